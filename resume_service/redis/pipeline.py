"""Many commands at once, for the archive's worker: a round trip to each server that is concerned."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import hiredis
import redis
from redis.exceptions import AskError, MovedError, NoScriptError

from resume_service.errors import Unavailable
from resume_service.redis.script import Args, Script
from resume_service.redis.servers import Servers

Keyed = tuple[str, tuple[str | int, ...]]
"""A key, and a command about it."""


def script_call(script: Script, keys: Sequence[str], args: Args) -> Keyed:
    """The command that runs `script`."""
    return keys[0], ("EVALSHA", script.sha, len(keys), *keys, *args)


class Pipeline:
    """Both methods raise Unavailable when a server does not answer or can't serve now."""

    def __init__(self, servers: Servers) -> None:
        self._servers = servers

    def run(self, script: Script, keys: Sequence[str], args: Args) -> Any:
        """What `script` returns."""
        return self.execute([script_call(script, keys, args)], script)[0]

    def execute(self, commands: Sequence[Keyed], script: Script | None = None) -> list[Any]:
        """What each command is answered, in their order; `script` is the one that they run."""
        try:
            return self._execute(commands, script)
        except redis.RedisError as fault:
            self._servers.refresh()
            raise Unavailable(f"Redis: {fault}") from fault

    def _execute(self, commands: Sequence[Keyed], script: Script | None) -> list[Any]:
        of_node: dict[redis.Redis, list[int]] = defaultdict(list)
        for number, (key, _) in enumerate(commands):
            of_node[self._servers.node(key)].append(number)
        execute: list[Any] = [None] * len(commands)
        for node, numbers in of_node.items():
            answered = _round_trip(node, [commands[number][1] for number in numbers])
            for number, answer in zip(numbers, answered, strict=True):
                execute[number] = answer
        for number, answer in enumerate(execute):
            if isinstance(answer, redis.ResponseError):
                execute[number] = self._retry(commands[number], answer, script)
        return execute

    def _retry(self, command: Keyed, refusal: redis.ResponseError, script: Script | None) -> Any:
        """The answer to a command that was refused only because of where or how it was sent."""
        key, words = command
        if isinstance(refusal, MovedError):
            self._servers.refresh(refusal)
        elif isinstance(refusal, NoScriptError) and script:
            words = ("EVAL", script.text, *words[2:])
        elif not isinstance(refusal, AskError):
            raise refusal
        return self._servers.run(key, *words)


def _round_trip(node: redis.Redis, commands: Sequence[tuple[str | int, ...]]) -> list[Any]:
    """The answers of one server. Raises redis.RedisError when it does not give all of them."""
    pool = node.connection_pool
    connection: Any = pool.get_connection()
    try:
        packed = b"".join(hiredis.pack_command(command) for command in commands)  # type: ignore[arg-type]  # of any length
        connection.send_packed_command([packed])
        return [_read_reply(connection) for _ in commands]
    except BaseException:  # also when this process is told to stop: no answer may be another's
        connection.disconnect()
        raise
    finally:
        pool.release(connection)


def _read_reply(connection: Any) -> Any:
    try:
        return connection.read_response()
    except redis.ResponseError as refusal:
        return refusal
