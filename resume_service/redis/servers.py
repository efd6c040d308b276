"""Finds the server of a key: a single Redis, a master named by Sentinels, or a cluster node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import redis
from redis.exceptions import MovedError

from resume_service.redis.client import execute, new_client
from resume_service.redis.cluster import Cluster
from resume_service.redis.sentinel import SentinelMaster
from resume_service.settings.redis_url import SENTINEL_SCHEME, RedisUrl


class Servers(Protocol):
    """The Redis servers of the service. They are connected on first use.

    Each method except `refresh` may raise redis.ConnectionError, redis.TimeoutError and
    redis.exceptions.ClusterDownError.
    """

    def node(self, key: str) -> redis.Redis:
        """Return the client of the server of `key`. Each server has one client object."""

    def run(self, key: str, *command: str | float) -> Any:
        """Return the reply to one command on `key`. Follows the redirections of a cluster."""

    def refresh(self, moved: MovedError | None = None) -> None:
        """Query again which server has which keys, and apply the redirection `moved`.

        Call it when a server fails, redirects, or refuses a write as a replica (READONLY).
        Frequent calls are fine: one caller at a time queries, for 0.5 s at most. The others return
        at once. Raises nothing.
        """

    def nodes(self) -> Sequence[redis.Redis]:
        """Return a client of every server that takes writes."""


def connect(url: str, timeout_ms: int, *, cluster: bool = False) -> Servers:
    """Return the servers at `url`, a checked setting. `timeout_ms` limits each wait for a server."""
    timeout = timeout_ms / 1000
    if cluster:
        return Cluster(RedisUrl.of(url), timeout)
    if url.startswith(SENTINEL_SCHEME):
        return SentinelMaster(RedisUrl.of(url), timeout)
    return OneServer(new_client(url, timeout))


class OneServer:
    """A single Redis server, without failover."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def node(self, key: str) -> redis.Redis:
        return self._client

    def run(self, key: str, *command: str | float) -> Any:
        return execute(self._client, *command)

    def refresh(self, moved: MovedError | None = None) -> None:
        """Do nothing: no other server can replace it."""

    def nodes(self) -> Sequence[redis.Redis]:
        return [self._client]
