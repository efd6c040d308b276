"""Sends each command to the server that has its key (`servers`), through its `node`."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Sequence
from enum import StrEnum
from typing import Any
from weakref import WeakKeyDictionary

import redis
from redis.exceptions import AskError, ClusterDownError, MovedError, NoScriptError

from resume_service.errors import Unavailable
from resume_service.redis.blocking_driver import BlockingDriver
from resume_service.redis.call import Call, Command, ReplySize
from resume_service.redis.node import Node
from resume_service.redis.operation import Blocking, Operation
from resume_service.redis.refusals import error_of, is_refused_write
from resume_service.redis.round_trip import ReplicaWait
from resume_service.redis.script import Args, Script
from resume_service.redis.servers import Servers

ASKING: Command = ("ASKING",)
"""After an ASK redirection, a server executes a command only directly after this command."""
CHECK_KEYS = 20_000
"""Number of keys that `check` tries, to find one that a node of a cluster has."""
CHECK_MS = 100
"""Milliseconds after which the key of a check expires."""


class RedisState(StrEnum):
    """The state of the Redis servers. At least one primary answers."""

    OK = "ok"
    DEGRADED = "degraded"
    """A primary does not answer, or refuses writes."""


class RedisRouter:
    """Sends each command or script to the server that has its key.

    A call ends REDIS_TIMEOUT_MS after its start, including all redirections. Each operation raises
    Unavailable if a server does not answer in time, or can't execute commands now.
    """

    def __init__(self, servers: Servers, wait: ReplicaWait = ReplicaWait()) -> None:  # noqa: B008 - immutable
        self._servers = servers
        self.wait = wait
        self.driver: Any = BlockingDriver(wait)
        """Executes the operations. The gevent worker replaces it before its first request."""
        self._nodes: WeakKeyDictionary[redis.Redis, Node] = WeakKeyDictionary()
        """The node of each client. A node is garbage-collected together with its client."""

    def call(
        self,
        operation: str,
        key: str,
        *commands: Command,
        writes: bool = False,
        size: ReplySize = ReplySize.SMALL,
    ) -> Operation[list[Any]]:
        """Send `commands` to the server of `key` in one round trip, and return the replies.

        If `writes` is true, the reply comes only after enough replicas have the write. Give the
        expected `size` of the replies, so that other callers do not wait for large ones.
        """
        node = self._known_node(key) or (yield Blocking(lambda: self._find_node(key)))
        deadline = time.monotonic() + node.timeout
        call = Call(operation, commands, deadline, writes=writes, size=size)
        return (yield from self._send(node, key, call))

    def run(
        self, operation: str, script: Script, keys: Sequence[str], args: Args
    ) -> Operation[Any]:
        """Run `script` and return the result. Sends its text only if the server does not have it."""
        node = self._known_node(keys[0]) or (yield Blocking(lambda: self._find_node(keys[0])))
        tail = (str(len(keys)), *keys, *args)
        by_hash: Command = ("EVALSHA", script.sha, *tail)
        call = Call(operation, (by_hash,), time.monotonic() + node.timeout, writes=True)
        try:
            [result] = yield from self._send(node, keys[0], call)
        except NoScriptError:
            by_text: Command = ("EVAL", script.text, *tail)
            again = call.with_commands((by_text,))
            [result] = yield from self._send(node, keys[0], again)
        return result

    def check(self) -> RedisState:
        """Write a key on each primary, and return the state of the servers. Blocks.

        Raises Unavailable if no primary answers. A server that refuses a write because it is no
        primary (READONLY) counts as one that does not answer.
        """
        try:
            clients = self._servers.nodes()
        except redis.RedisError as fault:
            raise Unavailable from fault
        states: list[RedisState | None] = [None] * len(clients)

        def check(index: int) -> None:
            states[index] = self.driver.run(self._check_client(clients[index]))

        # In parallel: frozen servers together take no longer than one of them.
        others = [threading.Thread(target=check, args=(index,)) for index in range(1, len(clients))]
        for other in others:
            other.start()
        check(0)
        for other in others:
            other.join()
        if None in states:
            self._servers.refresh()
        if not any(states):
            raise Unavailable
        return RedisState.OK if set(states) == {RedisState.OK} else RedisState.DEGRADED

    def _check_client(self, client: redis.Redis) -> Operation[RedisState | None]:
        """Write a key on one server. Return None if the server does not answer as a primary."""
        try:
            command = ("SET", self._key_on(client), 1, "PX", CHECK_MS)
            node = self._node(client)
            yield from _trip(node, Call("ping", (command,), time.monotonic() + node.timeout))
        except (MovedError, AskError) as moved:
            self._servers.refresh(moved if isinstance(moved, MovedError) else None)
            return RedisState.DEGRADED
        except Unavailable as fault:
            return RedisState.DEGRADED if is_refused_write(fault.__cause__) else None
        except redis.RedisError:
            return None
        return RedisState.OK

    def _key_on(self, client: redis.Redis) -> str:
        """Return a key that `client` has. Raises redis.ClusterDownError if none is found."""
        for number in range(CHECK_KEYS):
            with contextlib.suppress(ClusterDownError):  # no server has the slot of this key
                if self._servers.node(f"ready:{number}") is client:
                    return f"ready:{number}"
        raise ClusterDownError("no key of this node found")

    def _send(self, node: Node, key: str, call: Call) -> Operation[list[Any]]:
        """Send `call` to `node`, and follow one redirection."""
        try:
            return (yield from _trip(node, call))
        except MovedError as fault:
            redirection: AskError = fault
        except AskError as fault:
            redirection = fault
        except Unavailable:
            yield Blocking(self._servers.refresh)
            raise
        node, commands = yield Blocking(lambda: self._redirected(redirection, key, call))
        try:
            replies = yield from _trip(node, call.with_commands(commands))
        except (MovedError, AskError) as fault:
            raise Unavailable from fault  # slots are still moving: the client can retry later
        return replies[1::2] if commands[0] == ASKING else replies

    def _redirected(
        self, redirection: AskError, key: str, call: Call
    ) -> tuple[Node, Sequence[Command]]:
        """Return the node that a redirection names, and the commands for it. Blocks."""
        if isinstance(redirection, MovedError):
            self._servers.refresh(redirection)
            return self._find_node(key), call.commands
        # The slot is moving, so later commands may still belong to the old server.
        # Send only the commands of this call to the other server.
        commands = [each for command in call.commands for each in (ASKING, command)]
        return self._node(self._servers.target_of(redirection)), commands

    def _known_node(self, key: str) -> Node | None:
        """Return the node of `key`, or None if a query must find it first."""
        try:
            client = self._servers.known_node(key)
        except redis.RedisError as fault:
            raise Unavailable from fault
        return self._node(client) if client else None

    def _find_node(self, key: str) -> Node:
        """Return the node of `key`. Blocks while it queries the servers."""
        try:
            return self._node(self._servers.node(key))
        except redis.RedisError as fault:
            raise Unavailable from fault

    def _node(self, client: redis.Redis) -> Node:
        node = self._nodes.get(client)
        if node is None:
            node = self._nodes.setdefault(client, Node(client, self.driver.new_pipeline))
        return node


def _trip(node: Node, call: Call) -> Operation[list[Any]]:
    """Send `call` to `node`. Raises the error of an error reply."""
    replies: list[Any] = yield from node.send(call)
    for reply in replies:
        if isinstance(reply, redis.RedisError):
            raise error_of(call.operation, reply)
    return replies
