"""Sends each command to the server that has its key (`servers`), through its `node`."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from enum import StrEnum
from typing import Any
from weakref import WeakKeyDictionary

import redis
from redis.exceptions import AskError, ClusterDownError, MovedError, NoScriptError

from resume_service.errors import Unavailable
from resume_service.redis.call import Call, Command, ReplySize
from resume_service.redis.node import Node
from resume_service.redis.script import Args, Script
from resume_service.redis.servers import Servers

ASKING: Command = ("ASKING",)
"""After an ASK redirection, a server executes a command only directly after this command."""
CHECK_KEYS = 20_000
"""Number of keys that `check` tries, to find one that a node of a cluster has."""
CHECK_MS = 100
"""Milliseconds after which the key of a check expires."""
REFUSED_WRITES = ("OOM", "MISCONF", "NOREPLICAS", "NOPERM")
"""Codes of error replies of a primary that answers, but refuses writes."""


class RedisState(StrEnum):
    """The state of the Redis servers. At least one primary answers."""

    OK = "ok"
    DEGRADED = "degraded"
    """A primary does not answer, or refuses writes."""


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

    def call(
        self,
        operation: str,
        key: str,
        *commands: Command,
        writes: bool = False,
        size: ReplySize = ReplySize.SMALL,
    ) -> list[Any]:
        """Send `commands` to the server of `key` in one round trip, and return the replies.

        If `writes` is true, the reply comes only after `wait_replicas` replicas have the write. Give
        the expected `size` of the replies, so that other callers do not wait for large ones.
        """
        node = self._node_of(key)
        call = Call(operation, commands, node.deadline(), writes=writes, size=size)
        return self._send(node, key, call)

    def run(self, operation: str, script: Script, keys: Sequence[str], args: Args) -> Any:
        """Run `script` and return the result. Sends its text only if the server does not have it."""
        node = self._node_of(keys[0])
        tail = (str(len(keys)), *keys, *args)
        by_hash: Command = ("EVALSHA", script.sha, *tail)
        call = Call(operation, (by_hash,), node.deadline(), writes=True)
        try:
            return self._send(node, keys[0], call)[0]
        except NoScriptError:
            by_text: Command = ("EVAL", script.text, *tail)
            return self._send(node, keys[0], call.with_commands((by_text,)))[0]

    def check(self) -> RedisState:
        """Write a key on each primary, and return the state of the servers.

        Raises Unavailable if no primary answers. A server that refuses a write because it is no
        primary (READONLY) counts as one that does not answer.
        """
        try:
            clients = self._servers.nodes()
        except redis.RedisError as fault:
            raise Unavailable from fault
        states: list[RedisState | None] = [None] * len(clients)

        def check(index: int) -> None:
            states[index] = self._check_client(clients[index])

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

    def _check_client(self, client: redis.Redis) -> RedisState | None:
        """Write a key on one server. Return None if the server does not answer as a primary."""
        try:
            command = ("SET", self._key_on(client), 1, "PX", CHECK_MS)
            node = self._node(client)
            node.send(Call("ping", (command,), node.deadline()))
        except (MovedError, AskError) as moved:
            self._servers.refresh(moved if isinstance(moved, MovedError) else None)
            return RedisState.DEGRADED
        except Unavailable as fault:
            refusal = fault.__cause__
            return RedisState.DEGRADED if _is_refused_write(refusal) else None
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

    def _send(self, node: Node, key: str, call: Call) -> list[Any]:
        """Send `call` to `node`, and follow one redirection."""
        try:
            return node.send(call)
        except MovedError as moved:
            self._servers.refresh(moved)
            node, commands = self._node_of(key), call.commands
        except AskError as ask:
            # The slot is moving, so later commands may still belong to the old server.
            # Send only the commands of this call to the other server.
            node = self._node(self._servers.target_of(ask))
            commands = [each for command in call.commands for each in (ASKING, command)]
        except Unavailable:
            self._servers.refresh()
            raise
        try:
            replies = node.send(call.with_commands(commands))
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


def _is_refused_write(fault: BaseException | None) -> bool:
    """Return whether `fault` is the error of a primary that answers, but refuses writes."""
    if not isinstance(fault, redis.ResponseError):
        return False
    return (fault.status_code or str(fault)).startswith(REFUSED_WRITES)
