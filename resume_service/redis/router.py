"""Sends each command to the server that has its key (`servers`), through its `node`."""

from __future__ import annotations

import time
import weakref
from collections.abc import Sequence
from typing import Any

import redis
from redis.exceptions import AskError, MovedError, NoScriptError

from resume_service.errors import Unavailable
from resume_service.redis.blocking_pipeline import BlockingPipeline
from resume_service.redis.call import Call, Command, ReplySize
from resume_service.redis.node import NewPipeline, Node
from resume_service.redis.operation import Blocking, Operation
from resume_service.redis.round_trip import NO_WAIT, ReplicaWait
from resume_service.redis.script import Args, Script
from resume_service.redis.servers import Servers

ASKING: Command = ("ASKING",)
"""After an ASK redirection, a server executes a command only directly after this command."""


class RedisRouter:
    """Sends each command or script to the server that has its key.

    A call ends REDIS_TIMEOUT_MS after its start, including all redirections. Each operation raises
    Unavailable if a server does not answer in time, or can't execute commands now.
    """

    def __init__(self, servers: Servers, wait: ReplicaWait = NO_WAIT) -> None:
        self.servers = servers
        self._wait = wait
        self.new_pipeline: NewPipeline = BlockingPipeline
        """Creates the pipelines. The gevent worker replaces it before its first request."""
        self._nodes: dict[int, Node] = {}
        """The node of each client, by the `id` of the client. It is removed with its client."""

    def call(
        self,
        operation: str,
        key: str,
        *commands: Command,
        writes: bool = False,
        size: ReplySize = ReplySize.SMALL,
        packed: bytes = b"",
    ) -> Operation[list[Any]]:
        """Send `commands` to the server of `key` in one round trip, and return the replies.

        If `writes` is true, the reply comes only after enough replicas have the write. Give the
        expected `size` of the replies, so that other callers do not wait for large ones. `packed`
        is the same as `commands` in the Redis protocol, if the caller has it.
        """
        call = Call(operation, commands, self._deadline(), writes=writes, size=size, packed=packed)
        return self._send(key, call)

    def run(
        self, operation: str, script: Script, keys: Sequence[str], args: Args
    ) -> Operation[Any]:
        """Run `script` and return the result. Sends its text only if the server does not have it."""
        tail = (str(len(keys)), *keys, *args)
        by_hash: Command = ("EVALSHA", script.sha, *tail)
        call = Call(operation, (by_hash,), self._deadline(), writes=True)
        try:
            [result] = yield from self._send(keys[0], call)
        except NoScriptError:
            by_text: Command = ("EVAL", script.text, *tail)
            [result] = yield from self._send(keys[0], call.with_commands((by_text,)))
        return result

    def send_to(
        self, client: redis.Redis, operation: str, *commands: Command
    ) -> Operation[list[Any]]:
        """Send `commands` to the server of `client`. Raises its redirections."""
        call = Call(operation, commands, self._deadline())
        return (yield from self._node(client).send(call))

    def _deadline(self) -> float:
        """Return the deadline of a call that arrives now, a value of `time.monotonic()`."""
        return time.monotonic() + self.servers.timeout

    def _send(self, key: str, call: Call) -> Operation[Any]:
        """Send `call` to the server of `key`, and follow one redirection."""
        try:
            client = self.servers.known_node(key)
        except redis.RedisError as fault:
            raise Unavailable from fault
        if client is None:
            node = yield Blocking(lambda: self._find_node(key))
        else:
            node = self._nodes.get(id(client)) or self._node(client)
        try:
            return (yield from node.send(call))
        except AskError as fault:  # or MovedError, which is a subclass
            redirection = fault
        except Unavailable:
            if self.servers.can_refresh():
                yield Blocking(self.servers.refresh)
            raise
        node, commands = yield Blocking(lambda: self._redirected(redirection, key, call))
        try:
            replies = yield from node.send(call.with_commands(commands))
        except AskError as fault:
            raise Unavailable from fault  # slots are still moving: the client can retry later
        return replies[1::2] if commands[0] == ASKING else replies

    def _redirected(
        self, redirection: AskError, key: str, call: Call
    ) -> tuple[Node, Sequence[Command]]:
        """Return the node that a redirection names, and the commands for it. Blocks."""
        if isinstance(redirection, MovedError):
            self.servers.refresh(redirection)
            return self._find_node(key), call.commands
        # The slot is moving, so later commands may still belong to the old server.
        # Send only the commands of this call to the other server.
        commands = [each for command in call.commands for each in (ASKING, command)]
        return self._node(self.servers.target_of(redirection)), commands

    def _find_node(self, key: str) -> Node:
        """Return the node of `key`. Blocks while it queries the servers."""
        try:
            return self._node(self.servers.node(key))
        except redis.RedisError as fault:
            raise Unavailable from fault

    def _node(self, client: redis.Redis) -> Node:
        node = self._nodes.get(id(client))
        if node is None:
            new = Node(client, self.new_pipeline, self._wait)
            node = self._nodes.setdefault(id(client), new)
            if node is new:
                weakref.finalize(client, self._nodes.pop, id(client), None)
        return node
