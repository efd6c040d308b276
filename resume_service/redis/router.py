"""Sends each command to the server of its key, in a round trip shared with other callers."""

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
    """Sends commands and scripts to the right servers.

    Every method raises Unavailable when a server does not answer in time or can't serve.
    """

    def __init__(self, servers: Servers, *, wait_replicas: int = 0, wait_ms: int = 0) -> None:
        self._servers = servers
        self._wait_replicas = wait_replicas
        self._wait_ms = wait_ms
        self._pipelines: WeakKeyDictionary[redis.Redis, AutoPipeline] = WeakKeyDictionary()
        """One pipeline per client. It is garbage-collected together with its client."""

    def call(self, operation: str, key: str, *commands: Command, writes: bool = False) -> list[Any]:
        """Return the replies to `commands` from the server of `key`, in one round trip.

        A write returns only when `wait_replicas` replicas have it.
        """
        try:
            return self._pipeline_for_key(key).call(operation, *commands, writes=writes)
        except MovedError as moved:
            self._servers.refresh(moved)
            return self._after_move(operation, key, *commands, writes=writes)
        except AskError:
            # The slot is moving to another server: send only this call there.
            return self._redirected(key, *commands, writes=writes)
        except Unavailable:
            self._servers.refresh()
            raise

    def run(self, operation: str, script: Script, keys: Sequence[str], args: Args) -> Any:
        """Return the result of `script`. Sends its hash, or its text if the server has lost it."""
        tail = (str(len(keys)), *keys, *args)
        try:
            by_hash = ("EVALSHA", script.sha, *tail)
            return self.call(operation, keys[0], by_hash, writes=True)[0]
        except NoScriptError:
            by_text = ("EVAL", script.text, *tail)
            return self.call(operation, keys[0], by_text, writes=True)[0]

    def ping(self) -> None:
        """Raise Unavailable unless every server that takes writes answers."""
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
            raise Unavailable from fault  # slots are still moving: a later retry succeeds

    def _redirected(self, key: str, *commands: Command, writes: bool) -> list[Any]:
        if writes and self._wait_replicas:
            raise Unavailable  # Servers.run can't wait for replicas
        try:
            return [self._servers.run(key, *command) for command in commands]
        except redis.RedisError as fault:
            raise Unavailable from fault
