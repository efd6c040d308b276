"""Takes each command to the server that holds its key, on a round trip shared with others."""

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
    """Every method raises Unavailable when a server does not answer in time or can't serve now."""

    def __init__(self, servers: Servers, *, wait_replicas: int = 0, wait_ms: int = 0) -> None:
        self._servers = servers
        self._wait_replicas = wait_replicas
        self._wait_ms = wait_ms
        self._pipelines: WeakKeyDictionary[redis.Redis, AutoPipeline] = WeakKeyDictionary()
        """By the client of each server; a server that is gone takes its own along."""

    def call(self, operation: str, key: str, *commands: Command, writes: bool = False) -> list[Any]:
        """What the server that holds `key` answers to each of `commands`, on one round trip.

        A write is answered only when as many replicas as asked for have it too.
        """
        try:
            return self._pipeline_for(key).call(operation, *commands, writes=writes)
        except MovedError as moved:
            self._servers.refresh(moved)
            return self._after_move(operation, key, *commands, writes=writes)
        except AskError:
            # Its slot is on the way to another server: just this once, ask there.
            return self._redirected(key, *commands, writes=writes)
        except Unavailable:
            self._servers.refresh()
            raise

    def run(self, operation: str, script: Script, keys: Sequence[str], args: Args) -> Any:
        """What `script` returns: called by its hash, and by its text where Redis has lost it."""
        tail = (str(len(keys)), *keys, *args)
        try:
            by_hash = ("EVALSHA", script.sha, *tail)
            return self.call(operation, keys[0], by_hash, writes=True)[0]
        except NoScriptError:
            by_text = ("EVAL", script.text, *tail)
            return self.call(operation, keys[0], by_text, writes=True)[0]

    def ping(self) -> None:
        """Raises Unavailable unless every server that holds keys answers."""
        try:
            for client in self._servers.nodes():
                self._pipeline_of(client).call("ping", ("PING",))
        except redis.RedisError as fault:
            raise Unavailable from fault

    def _pipeline_for(self, key: str) -> AutoPipeline:
        try:
            return self._pipeline_of(self._servers.node(key))
        except redis.RedisError as fault:
            raise Unavailable from fault

    def _pipeline_of(self, client: redis.Redis) -> AutoPipeline:
        pipeline = self._pipelines.get(client)
        if pipeline is None:
            made = AutoPipeline(client, wait_replicas=self._wait_replicas, wait_ms=self._wait_ms)
            pipeline = self._pipelines.setdefault(client, made)
        return pipeline

    def _after_move(self, operation: str, key: str, *commands: Command, writes: bool) -> list[Any]:
        try:
            return self._pipeline_for(key).call(operation, *commands, writes=writes)
        except (MovedError, AskError) as fault:
            raise Unavailable from fault  # slots are on the move: it will be clear soon

    def _redirected(self, key: str, *commands: Command, writes: bool) -> list[Any]:
        if writes and self._wait_replicas:
            raise Unavailable  # that answer can't be held back until replicas have it
        try:
            return [self._servers.run(key, *command) for command in commands]
        except redis.RedisError as fault:
            raise Unavailable from fault
