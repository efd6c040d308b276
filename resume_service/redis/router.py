"""Sends each command to the server that has its key (`servers`), through its `node`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import redis
from redis.exceptions import AskError, MovedError, NoScriptError

from resume_service.errors import Unavailable
from resume_service.redis.call import Call, Command, KeyedCommand, ReplySize
from resume_service.redis.cluster import Cluster
from resume_service.redis.node import Node
from resume_service.redis.nodes import Nodes
from resume_service.redis.operation import Blocking, Operation
from resume_service.redis.refusals import error_of, raise_first_error
from resume_service.redis.round_trip import NO_WAIT, ReplicaWait
from resume_service.redis.script import Args, Script
from resume_service.redis.server_clock import TIME
from resume_service.redis.servers import Servers

ScriptArguments = tuple[Sequence[str], Args]
"""The keys and the arguments of one run of a script."""
RETRIED = (NoScriptError, AskError)  # MovedError is a subclass of AskError
ASKING: Command = ("ASKING",)
"""After an ASK redirection, a server executes a command only directly after this command."""


class RedisRouter:
    """Sends each command or script to the server that has its key.

    A call ends REDIS_TIMEOUT_MS after its start, including all redirections. Each operation raises
    Unavailable if a server does not answer in time, or can't execute commands now.
    """

    def __init__(self, servers: Servers, wait: ReplicaWait = NO_WAIT) -> None:
        self.servers = servers
        self.nodes = Nodes(servers, wait)
        # In a cluster, a transaction can't use the keys of several hash slots.
        self._has_transactions = not isinstance(servers, Cluster)

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

        If `writes` is true, the reply comes only after enough replicas have the write. `size` is
        the expected size of the replies. `packed` may be `commands` in the Redis protocol.
        """
        call = Call(operation, commands, self._deadline(), writes=writes, size=size, packed=packed)
        return self._send(key, call)

    def run(
        self,
        operation: str,
        script: Script,
        keys: Sequence[str],
        args: Args,
        node: Node | None = None,
    ) -> Operation[Any]:
        """Run `script` and return the result. Sends its text only if the server does not have it.

        `node` is the node of `keys[0]`, if the caller has looked it up.
        """
        node = node or self.nodes.known(keys[0])
        tail = (str(len(keys)), *keys, *args)
        by_hash: Command = ("EVALSHA", script.sha, *tail)
        asked_at = node.clock.ask() if node else None
        commands = (by_hash,) if asked_at is None else (by_hash, TIME)
        call = Call(operation, commands, self._deadline(), writes=True)
        try:
            result, *server_time = yield from self._send(keys[0], call, node)
            if node and asked_at is not None:
                node.clock.answered(asked_at, server_time[0])
        except NoScriptError:
            by_text: Command = ("EVAL", script.text, *tail)
            [result] = yield from self._send(keys[0], call.with_commands((by_text,)))
        return result

    def run_each(
        self, operation: str, script: Script, calls: Sequence[ScriptArguments]
    ) -> Operation[list[Any]]:
        """Run `script` with each of `calls`, in one round trip to each server.

        Return the result, Unavailable or a redis.ResponseError for each, in the same order.
        """
        commands: list[KeyedCommand] = [
            (keys[0], ("EVALSHA", script.sha, str(len(keys)), *keys, *args)) for keys, args in calls
        ]
        outcomes = yield from self.send_each(operation, commands)
        while again := [n for n, each in enumerate(outcomes) if isinstance(each, RETRIED)]:
            first, *others = again
            try:
                outcomes[first] = yield from self.run(operation, script, *calls[first])
            except (Unavailable, redis.ResponseError) as fault:
                outcomes[first] = fault
            # Now the server has the script, and the topology is up to date.
            retried = yield from self.send_each(operation, [commands[n] for n in others])
            for n, outcome in zip(others, retried, strict=True):
                outcomes[n] = outcome
        return [error_of(operation, o) if isinstance(o, redis.RedisError) else o for o in outcomes]

    def send_each(
        self, operation: str, commands: Sequence[KeyedCommand], *, writes: bool = True
    ) -> Operation[list[Any]]:
        """Send each command to the server of its key, in one round trip to each server.

        Return its reply, Unavailable or a redis.RedisError for each. Follows no redirections.
        """
        outcomes: list[Any] = [None] * len(commands)
        indexes_by_node: dict[Node, list[int]] = {}
        for index, (key, _) in enumerate(commands):
            try:
                node = self.nodes.known(key) or (yield Blocking(partial(self.nodes.find, key)))
            except Unavailable as fault:
                outcomes[index] = fault
            else:
                indexes_by_node.setdefault(node, []).append(index)
        deadline = self._deadline()
        for node, indexes in indexes_by_node.items():
            sent = [commands[index][1] for index in indexes]
            try:
                if writes:
                    replies = yield from node.exchange_writes(
                        operation, sent, deadline, transaction=self._has_transactions
                    )
                else:
                    replies = yield from node.exchange(Call(operation, sent, deadline))
            except Unavailable as fault:
                replies = [fault] * len(sent)
                if self.servers.can_refresh():
                    yield Blocking(self.servers.refresh)
            for index, reply in zip(indexes, replies, strict=True):
                outcomes[index] = reply
        return outcomes

    def send_to(
        self, client: redis.Redis, operation: str, *commands: Command
    ) -> Operation[list[Any]]:
        """Send `commands` to the server of `client`. Raises its redirections."""
        return self.nodes.of(client).send(Call(operation, commands, self._deadline()))

    def deadline_ms(self, node: Node | None) -> int | None:
        """Return the deadline of a call that starts now, by the clock of the server of `node`.

        In ms since 1970. Return None if the node or its clock is unknown.
        """
        latest_ms = node.clock.latest_ms() if node else None
        return None if latest_ms is None else latest_ms + int(self.servers.timeout * 1000)

    def _deadline(self) -> float:
        """Return the deadline of a call that arrives now, a value of `time.monotonic()`."""
        return time.monotonic() + self.servers.timeout

    def _send(self, key: str, call: Call, node: Node | None = None) -> Operation[Any]:
        """Send `call` to the server of `key`, and follow one redirection."""
        node = node or self.nodes.known(key) or (yield Blocking(partial(self.nodes.find, key)))
        try:
            if call.size is ReplySize.SMALL:
                replies = yield node.small(call)  # without one more generator: 0.3 us less
                raise_first_error(call.operation, replies)
            else:
                replies = yield from node.send(call)
        except AskError as fault:  # or MovedError, which is a subclass
            redirection = fault
        except Unavailable:
            if self.servers.can_refresh():
                yield Blocking(self.servers.refresh)
            raise
        else:
            return replies
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
            return self.nodes.find(key), call.commands
        # The slot is moving, so later commands may still belong to the old server.
        # Send only the commands of this call to the other server.
        commands = [each for command in call.commands for each in (ASKING, command)]
        return self.nodes.of(self.servers.target_of(redirection)), commands
