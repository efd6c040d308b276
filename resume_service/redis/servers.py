"""Which server holds a key: the only one there is, or one of those that stand in for another."""

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
    """Nothing connects before first use.

    Each method but `refresh` may raise redis.ConnectionError, redis.TimeoutError and
    redis.exceptions.ClusterDownError.
    """

    def node(self, key: str) -> redis.Redis:
        """The client of the server that holds `key`: the same one as long as the server does."""

    def run(self, key: str, *command: str | float) -> Any:
        """The answer to one command about `key`, wherever a cluster redirects it."""

    def refresh(self, moved: MovedError | None = None) -> None:
        """Find out who holds what by now; where a slot has `moved` is certain then.

        Call it when a server fails, redirects or refuses as a replica (READONLY), even often: one
        caller at a time looks, for 0.5 s at most; the others return at once. Raises nothing.
        """

    def nodes(self) -> Sequence[redis.Redis]:
        """A client of every server that takes writes."""


def connect(url: str, timeout_ms: int, *, cluster: bool = False) -> Servers:
    """The servers at `url`, a setting already checked; each answers within `timeout_ms` or fails."""
    timeout = timeout_ms / 1000
    if cluster:
        return Cluster(RedisUrl.of(url), timeout)
    if url.startswith(SENTINEL_SCHEME):
        return SentinelMaster(RedisUrl.of(url), timeout)
    return OneServer(new_client(url, timeout))


class OneServer:
    """The only one there is."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def node(self, key: str) -> redis.Redis:
        return self._client

    def run(self, key: str, *command: str | float) -> Any:
        return execute(self._client, *command)

    def refresh(self, moved: MovedError | None = None) -> None:
        """Nobody stands in for it."""

    def nodes(self) -> Sequence[redis.Redis]:
        return [self._client]
