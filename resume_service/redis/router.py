"""Sends each command to the server that has its key (`servers`), through its `node`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

import redis
from redis.exceptions import AskError, MovedError, NoScriptError

from resume_service.errors import Unavailable
from resume_service.redis.auto_pipeline import Command
from resume_service.redis.node import Node
from resume_service.redis.script import Args, Script
from resume_service.redis.servers import Servers

ASKING: Command = ("ASKING",)
"""After an ASK redirection, a server executes a command only directly after this command."""


class RedisRouter:
    """Sends each command or script to the server that has its key.

    A call ends REDIS_TIMEOUT_MS after its start, including all redirections. Each method raises
    Unavailable if a server does not answer in time, or can't execute commands now.
    """

    def __init__(self, servers: Servers, *, wait_replicas: int = 0, wait_ms: int = 0) -> None:
        self._servers = servers
        self._wait_replicas = wait_replicas
        self._wait_ms = wait_ms
        self._nodes: WeakKeyDictionary[redis.Redis, Node] = WeakKeyDictionary()
        """The node of each client. A node is garbage-collected together with its client."""

    def call(self, operation: str, key: str, *commands: Command, writes: bool = False) -> list[Any]:
        """Send `commands` to the server of `key` in one round trip, and return the replies.

        If `writes` is true, the reply comes only after `wait_replicas` replicas have the write.
        """
        node = self._node_of(key)
        return self._call(node, operation, key, *commands, deadline=node.deadline(), writes=writes)

    def run(self, operation: str, script: Script, keys: Sequence[str], args: Args) -> Any:
        """Run `script` and return the result. Sends its text only if the server does not have it."""
        node = self._node_of(keys[0])
        options = {
            "deadline": node.deadline(),
            "writes": script.writes,
            "is_large": script.has_large_result,
        }
        tail = (str(len(keys)), *keys, *args)
        try:
            by_hash = ("EVALSHA", script.sha, *tail)
            return self._call(node, operation, keys[0], by_hash, **options)[0]
        except NoScriptError:
            by_text = ("EVAL", script.text, *tail)
            return self._call(node, operation, keys[0], by_text, **options)[0]

    def ping(self) -> None:
        """Send PING to each server that accepts writes. Raises Unavailable if one does not answer."""
        try:
            for client in self._servers.nodes():
                node = self._node(client)
                node.call("ping", ("PING",), deadline=node.deadline())
        except redis.RedisError as fault:
            raise Unavailable from fault

    def _call(
        self, node: Node, operation: str, key: str, *commands: Command, **options: Any
    ) -> list[Any]:
        """Call `node` (see `Node.call`), and follow one redirection."""
        try:
            return node.call(operation, *commands, **options)
        except MovedError as moved:
            self._servers.refresh(moved)
            node = self._node_of(key)
        except AskError as ask:
            # The slot is moving, so later commands may still belong to the old server.
            # Send only the commands of this call to the other server.
            node = self._node(self._servers.target_of(ask))
            commands = tuple(each for command in commands for each in (ASKING, command))
        except Unavailable:
            self._servers.refresh()
            raise
        try:
            replies = node.call(operation, *commands, **options)
        except (MovedError, AskError) as fault:
            raise Unavailable from fault  # slots are still moving: the client can retry later
        return replies[1::2] if commands[0] == ASKING else replies

    def _node_of(self, key: str) -> Node:
        try:
            return self._node(self._servers.node(key))
        except redis.RedisError as fault:
            raise Unavailable from fault

    def _node(self, client: redis.Redis) -> Node:
        node = self._nodes.get(client)
        if node is None:
            new = Node(client, wait_replicas=self._wait_replicas, wait_ms=self._wait_ms)
            node = self._nodes.setdefault(client, new)
        return node
