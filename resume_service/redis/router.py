"""Sends each command to the server that has its key.

Concurrent callers of the same server share a round trip (`auto_pipeline`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

import redis
from redis.exceptions import AskError, MovedError, NoScriptError

from resume_service.errors import Unavailable
from resume_service.redis.auto_pipeline import AutoPipeline, Command
from resume_service.redis.script import Args, Script
from resume_service.redis.servers import Servers


class RedisRouter:
    """Sends each command or script to the server that has its key.

    Each method raises Unavailable if a server does not answer in time, or can't execute commands
    now.
    """

    def __init__(self, servers: Servers, *, wait_replicas: int = 0, wait_ms: int = 0) -> None:
        self._servers = servers
        self._wait_replicas = wait_replicas
        self._wait_ms = wait_ms
        self._pipelines: WeakKeyDictionary[redis.Redis, AutoPipeline] = WeakKeyDictionary()
        """The pipeline of each client. A pipeline is garbage-collected together with its client."""

    def call(self, operation: str, key: str, *commands: Command, writes: bool = False) -> list[Any]:
        """Send `commands` to the server of `key` in one round trip, and return the replies.

        If `writes` is true, the reply comes only after `wait_replicas` replicas have the write.
        """
        try:
            return self._pipeline_for_key(key).call(operation, *commands, writes=writes)
        except MovedError as moved:
            self._servers.refresh(moved)
            return self._after_move(operation, key, *commands, writes=writes)
        except AskError:
            # The slot is moving, so later commands may still belong to the old server.
            # Send only the commands of this call to the other server.
            return self._redirected(key, *commands, writes=writes)
        except Unavailable:
            self._servers.refresh()
            raise

    def run(self, operation: str, script: Script, keys: Sequence[str], args: Args) -> Any:
        """Run `script` and return the result. Sends its text only if the server does not have it."""
        tail = (str(len(keys)), *keys, *args)
        try:
            by_hash = ("EVALSHA", script.sha, *tail)
            return self.call(operation, keys[0], by_hash, writes=True)[0]
        except NoScriptError:
            by_text = ("EVAL", script.text, *tail)
            return self.call(operation, keys[0], by_text, writes=True)[0]

    def ping(self) -> None:
        """Send PING to each server that accepts writes. Raises Unavailable if one does not answer."""
        try:
            for client in self._servers.nodes():
                self._pipeline_for_client(client).call("ping", ("PING",))
        except redis.RedisError as fault:
            raise Unavailable from fault

    def _pipeline_for_key(self, key: str) -> AutoPipeline:
        try:
            return self._pipeline_for_client(self._servers.node(key))
        except redis.RedisError as fault:
            raise Unavailable from fault

    def _pipeline_for_client(self, client: redis.Redis) -> AutoPipeline:
        pipeline = self._pipelines.get(client)
        if pipeline is None:
            new = AutoPipeline(client, wait_replicas=self._wait_replicas, wait_ms=self._wait_ms)
            pipeline = self._pipelines.setdefault(client, new)
        return pipeline

    def _after_move(self, operation: str, key: str, *commands: Command, writes: bool) -> list[Any]:
        try:
            return self._pipeline_for_key(key).call(operation, *commands, writes=writes)
        except (MovedError, AskError) as fault:
            raise Unavailable from fault  # slots are still moving: the client can retry later

    def _redirected(self, key: str, *commands: Command, writes: bool) -> list[Any]:
        if writes and self._wait_replicas:
            raise Unavailable  # Servers.run can't wait for replicas
        try:
            return [self._servers.run(key, *command) for command in commands]
        except redis.RedisError as fault:
            raise Unavailable from fault
