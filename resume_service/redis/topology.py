"""Finds the current primary of each key, in a cluster or behind Sentinels.

A primary is a server that accepts writes. With redis-py's RedisCluster and Sentinel pool, each
caller that sees a failure queries one server after the other. Here only one caller at a time
queries, and for a limited time: docs/adr/0011.
"""

from __future__ import annotations

import random
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import redis
import structlog
from redis.exceptions import AskError, ClusterDownError, MovedError

from resume_service.redis.client import new_client
from resume_service.redis.connection import query
from resume_service.settings.redis_url import Address, RedisUrl

REFRESH_TIMEOUT = 0.3
"""Seconds from the start of a refresh after which it queries no further server."""
QUERY_TIMEOUT = 0.15
"""Maximum seconds to connect to a queried server and to receive its reply."""
REFRESH_INTERVAL = 0.1
"""Minimum seconds from the end of one refresh to the start of the next."""

Primaries = list[Address | None]
"""The address of each primary, or None where no server accepts writes.

In a cluster, the index is the hash slot. With Sentinels, the list has one element, the master.
"""
_log = structlog.get_logger(__name__)


class Topology(ABC):
    """Queries servers for the addresses of the primaries.

    Only one caller at a time queries, and all callers use the result.
    """

    def __init__(self, url: RedisUrl, timeout: float) -> None:
        self._url = url
        self.timeout = timeout
        self._primaries: Primaries = []
        self._clients: dict[Address, redis.Redis] = {}
        self._refreshing = threading.Lock()
        self._next_refresh = 0.0

    @abstractmethod
    def _position(self, key: str) -> int:
        """Return the index of the primary of `key` in `_primaries`."""

    @abstractmethod
    def _query(self, source: Address) -> Primaries:
        """Return the primaries that `source` reports. Raises redis.RedisError."""

    def _reply_of(self, url: str, *command: str, has_echo: bool = True) -> Any:
        """Return the reply of the server at `url`. Raises redis.RedisError after QUERY_TIMEOUT."""
        with new_client(url, QUERY_TIMEOUT, retries=0) as client:
            deadline = time.monotonic() + QUERY_TIMEOUT
            return query(client, *command, deadline=deadline, has_echo=has_echo)

    def known_node(self, key: str) -> redis.Redis | None:
        return self._primary(key) if self._primaries else None

    def node(self, key: str) -> redis.Redis:
        self._refresh_if_unknown()
        return self._primary(key)

    def _primary(self, key: str) -> redis.Redis:
        primary = self._primaries[self._position(key)]
        if primary is None:
            raise ClusterDownError("CLUSTERDOWN Hash slot not served")
        return self._client(primary)

    def nodes(self) -> Sequence[redis.Redis]:
        self._refresh_if_unknown()
        return [self._client(address) for address in dict.fromkeys(self._primaries) if address]

    def target_of(self, redirection: AskError) -> redis.Redis:
        return self._client((redirection.host, redirection.port))

    def refresh(self, moved: MovedError | None = None) -> None:
        self._refresh_unless_running(REFRESH_TIMEOUT)

    def can_refresh(self) -> bool:
        return time.monotonic() >= self._next_refresh and not self._refreshing.locked()

    def _refresh_unless_running(self, seconds: float) -> None:
        if self._refreshing.acquire(blocking=False):
            try:
                self._refresh_from_sources(seconds)
            finally:
                self._refreshing.release()

    def _refresh_if_unknown(self) -> None:
        """If no primary is known yet, refresh, or wait for the refresh of another caller.

        Raises redis.ConnectionError if no primary is known after that.
        """
        if not self._primaries and self._refreshing.acquire(timeout=REFRESH_TIMEOUT):
            try:
                if not self._primaries:
                    self._refresh_from_sources(REFRESH_TIMEOUT)
            finally:
                self._refreshing.release()
        if not self._primaries:
            raise redis.ConnectionError("no server knows which Redis has which key")

    def _refresh_from_sources(self, seconds: float) -> None:
        started = time.monotonic()
        if started < self._next_refresh:
            return
        sources = list(dict.fromkeys([*self._url.hosts, *self._known_nodes()]))
        random.shuffle(sources)  # otherwise a server that hangs could be the first in each refresh
        for source in sources:
            try:
                self._apply(self._query(source))
                break
            except redis.RedisError as fault:
                _log.warning("no word of who holds what", asked=source, fault=str(fault))
            if time.monotonic() - started > seconds:
                break
        self._next_refresh = time.monotonic() + REFRESH_INTERVAL

    def _known_nodes(self) -> Sequence[Address]:
        """Return the addresses of further servers to query, in addition to those in the URL."""
        return []

    def _apply(self, primaries: Primaries) -> None:
        servers = {address for address in primaries if address}
        if servers != set(self._clients):
            _log.info("redis primaries", servers=sorted(servers))
        self._primaries = primaries
        self._clients = {address: self._client(address) for address in servers}

    def _client(self, address: Address) -> redis.Redis:
        if client := self._clients.get(address):
            return client
        return self._clients.setdefault(address, new_client(self._url.at(address), self.timeout))
