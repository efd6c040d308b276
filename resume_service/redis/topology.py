"""Redis servers that stand in for one another, and which of them holds a key by now.

redis-py's RedisCluster and Sentinel pool ask this in every caller that meets a failure, server
after server, for as long as each takes; so we ask by ourselves: docs/adr/0011.
"""

from __future__ import annotations

import random
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence

import redis
import structlog
from redis.exceptions import ClusterDownError, MovedError

from resume_service.redis.client import new_client
from resume_service.settings.redis_url import Address, RedisUrl

REFRESH_TIMEOUT = 0.3
"""For which a look goes on to the next server while none has answered."""
QUERY_TIMEOUT = 0.1
"""What one of them may take to connect, and to answer."""
REFRESH_INTERVAL = 0.1
"""From one look to the next."""

Primaries = list[Address | None]
"""Where writes go, by the place of the key; None where nobody takes them."""
_log = structlog.get_logger(__name__)


class Topology(ABC):
    """Asks others which servers there are. One caller at a time does, the rest go by what it finds."""

    def __init__(self, url: RedisUrl, timeout: float) -> None:
        self._url = url
        self._timeout = timeout
        self._primaries: Primaries = []
        self._clients: dict[Address, redis.Redis] = {}
        self._refreshing = threading.Lock()
        self._next_refresh = 0.0

    @abstractmethod
    def _position(self, key: str) -> int:
        """Where to look for the primary of `key` among all."""

    @abstractmethod
    def _query(self, source: Address) -> Primaries:
        """What `source` says of who holds what. Raises redis.RedisError."""

    def node(self, key: str) -> redis.Redis:
        self._refresh_if_unknown()
        primary = self._primaries[self._position(key)]
        if primary is None:
            raise ClusterDownError("CLUSTERDOWN Hash slot not served")
        return self._client(primary)

    def nodes(self) -> Sequence[redis.Redis]:
        self._refresh_if_unknown()
        return [self._client(each) for each in dict.fromkeys(self._primaries) if each]

    def refresh(self, moved: MovedError | None = None) -> None:
        self._refresh_unless_running(REFRESH_TIMEOUT)

    def _refresh_unless_running(self, seconds: float) -> None:
        if self._refreshing.acquire(blocking=False):
            try:
                self._refresh_from_sources(seconds)
            finally:
                self._refreshing.release()

    def _refresh_if_unknown(self) -> None:
        """Look, or wait for what another caller finds. Raises redis.ConnectionError."""
        if not self._primaries and self._refreshing.acquire(timeout=REFRESH_TIMEOUT):
            try:
                if not self._primaries:
                    self._refresh_from_sources(REFRESH_TIMEOUT)
            finally:
                self._refreshing.release()
        if not self._primaries:
            raise redis.ConnectionError("nobody says which Redis holds what")

    def _refresh_from_sources(self, seconds: float) -> None:
        started = time.monotonic()
        if started < self._next_refresh:
            return
        sources = list(dict.fromkeys([*self._url.hosts, *self._known_nodes()]))
        random.shuffle(sources)  # or one that hangs or lags behind would be the first each time
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
        return []

    def _apply(self, primaries: Primaries) -> None:
        servers = {each for each in primaries if each}
        if servers != set(self._clients):
            _log.info("redis primaries", servers=sorted(servers))
        self._primaries = primaries
        self._clients = {each: self._client(each) for each in servers}

    def _client(self, address: Address) -> redis.Redis:
        if known := self._clients.get(address):
            return known
        return self._clients.setdefault(address, new_client(self._url.at(address), self._timeout))
