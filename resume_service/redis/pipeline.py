"""Sends many commands of the worker together, with one round trip to each server."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import redis
from redis.exceptions import AskError, MovedError, NoScriptError

from resume_service.errors import Unavailable
from resume_service.redis.call import KeyedCommand
from resume_service.redis.client import execute
from resume_service.redis.hashes import is_wrong_type
from resume_service.redis.script import Args, Script
from resume_service.redis.servers import Servers


def script_call(script: Script, keys: Sequence[str], args: Args) -> KeyedCommand:
    """Return the first of `keys`, and the command that runs `script`."""
    return keys[0], ("EVALSHA", script.sha, len(keys), *keys, *args)


class Pipeline:
    """Runs many commands.

    Each method raises Unavailable if a server does not answer, or replies with an error.
    """

    def __init__(self, servers: Servers) -> None:
        self._servers = servers

    def run(self, script: Script, keys: Sequence[str], args: Args) -> Any:
        """Return the result of `script`."""
        return self.execute([script_call(script, keys, args)], script)[0]

    def execute(
        self,
        commands: Sequence[KeyedCommand],
        script: Script | None = None,
        *,
        accepts_wrong_type: bool = False,
    ) -> list[Any]:
        """Return the replies in the order of `commands`.

        `script` is the script that the commands run. It is None if they run no script. If
        `accepts_wrong_type` is true, the reply is None if the key has another type than the command
        needs.
        """
        try:
            replies = self._execute(commands, script)
            for reply in replies:
                if isinstance(reply, redis.ResponseError) and not (
                    accepts_wrong_type and is_wrong_type(reply)
                ):
                    raise reply
            return [None if isinstance(each, redis.ResponseError) else each for each in replies]
        except redis.RedisError as fault:
            self._servers.refresh()
            raise Unavailable(f"Redis: {fault}") from fault

    def _execute(self, commands: Sequence[KeyedCommand], script: Script | None) -> list[Any]:
        indexes_by_node: dict[redis.Redis, list[int]] = defaultdict(list)
        for index, (key, _) in enumerate(commands):
            indexes_by_node[self._servers.node(key)].append(index)
        replies: list[Any] = [None] * len(commands)
        for node, indexes in indexes_by_node.items():
            node_replies = _round_trip(node, [commands[index][1] for index in indexes])
            for index, reply in zip(indexes, node_replies, strict=True):
                replies[index] = reply
        for index, reply in enumerate(replies):
            if isinstance(reply, redis.ResponseError):
                replies[index] = self._retry(commands[index], reply, script)
        return replies

    def _retry(
        self, command: KeyedCommand, error: redis.ResponseError, script: Script | None
    ) -> Any:
        """Send a command again after `error`, and return the reply.

        `error` is a redirection to another server, or says that the server does not know the
        script. Returns `error` if it is anything else.
        """
        key, arguments = command
        if isinstance(error, MovedError):
            self._servers.refresh(error)
        elif isinstance(error, NoScriptError) and script:
            arguments = ("EVAL", script.text, *arguments[2:])
        elif not isinstance(error, AskError):
            return error
        try:
            return self._servers.run(key, *arguments)
        except redis.ResponseError as fault:
            return fault


def _round_trip(node: redis.Redis, commands: Sequence[tuple[str | int, ...]]) -> list[Any]:
    """Send `commands` to `node` and return the replies. Raises redis.RedisError if one is missing.

    The last command is ECHO with a new tag. If its reply is not this tag, a reply may belong to
    another command (see `connection.py`).
    """
    tag = secrets.token_hex(8)
    with node.pipeline(transaction=False) as pipe:
        for command in commands:
            execute(pipe, *command)
        execute(pipe, "ECHO", tag)
        *replies, last = pipe.execute(raise_on_error=False)
        if last != tag:
            raise redis.ConnectionError("Redis sent a reply that belongs to no command")
        return replies
