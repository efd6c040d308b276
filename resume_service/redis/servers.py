"""Finds the server of a key: a single Redis, the master of Sentinels, or a node of a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import redis
from redis.exceptions import AskError, MovedError

from resume_service.redis.client import execute, new_client
from resume_service.redis.cluster import Cluster
from resume_service.redis.sentinel import SentinelMaster
from resume_service.settings.redis_url import SENTINEL_SCHEME, RedisUrl

DEFAULT_TIMEOUT = 5.0
"""Seconds until the deadline of a call, if the client has no timeout."""


class Servers(Protocol):
    """The Redis servers of the service. A connection opens when its server is first used.

    Each method except `refresh` and `can_refresh` may raise redis.ConnectionError,
    redis.TimeoutError and redis.exceptions.ClusterDownError.
    """

    timeout: float
    """Seconds from the arrival of a call to its deadline."""

    def node(self, key: str) -> redis.Redis:
        """Return the client of the server that has `key`. Each server has one client object.

        Blocks while it queries which server has which keys, if that is necessary.
        """

    def known_node(self, key: str) -> redis.Redis | None:
        """Like `node`, but return None instead if a query is necessary."""

    def target_of(self, redirection: AskError) -> redis.Redis:
        """Return the client of the server that `redirection` names."""

    def run(self, key: str, *command: str | float) -> Any:
        """Send one command to the server of `key`, and return the reply. Follows redirections."""

    def refresh(self, moved: MovedError | None = None) -> None:
        """Query again which server has which keys. Then apply the redirection `moved`, if given.

        Call this method if a server fails, redirects, or refuses a write (READONLY). Only one
        caller at a time queries, for at most 0.5 s. All other callers return at once, so frequent
        calls do no harm. This method raises no errors.
        """

    def can_refresh(self) -> bool:
        """Return whether `refresh` would query now. If not, it returns at once."""

    def nodes(self) -> Sequence[redis.Redis]:
        """Return the clients of all servers that accept writes."""


def connect(url: str, timeout_ms: int, *, cluster: bool = False) -> Servers:
    """Return the servers at `url`, which `Settings` has checked.

    `timeout_ms` is the maximum duration of each wait for a server.
    """
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
        timeout = client.connection_pool.connection_kwargs.get("socket_timeout")
        self.timeout: float = timeout or DEFAULT_TIMEOUT

    def node(self, key: str) -> redis.Redis:
        return self._client

    known_node = node

    def target_of(self, redirection: AskError) -> redis.Redis:
        return self._client

    def run(self, key: str, *command: str | float) -> Any:
        return execute(self._client, *command)

    def refresh(self, moved: MovedError | None = None) -> None:
        """Do nothing: no other server can replace this server."""

    def can_refresh(self) -> bool:
        return False

    def nodes(self) -> Sequence[redis.Redis]:
        return [self._client]
