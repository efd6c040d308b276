"""Redis Sentinel: finds the current master."""

from __future__ import annotations

import time
from typing import Any

import redis

from resume_service.redis.client import execute, new_client
from resume_service.redis.topology import QUERY_TIMEOUT, Primaries, Topology
from resume_service.settings.redis_url import Address

MAX_AGE = 1.0
"""Seconds until a Sentinel is queried again, if nothing fails."""


class SentinelMaster(Topology):
    """The master that Sentinels name, the only server that takes writes."""

    def node(self, key: str) -> redis.Redis:
        # A master that Sentinels have replaced may accept writes for ten more seconds. These writes
        # are lost when it becomes a replica. So query one Sentinel regularly, before any failure.
        if self._primaries and time.monotonic() > self._next_refresh + MAX_AGE:
            self._refresh_unless_running(0)
        return super().node(key)

    def run(self, key: str, *command: str | float) -> Any:
        return execute(self.node(key), *command)

    def _position(self, key: str) -> int:
        return 0

    def _query(self, source: Address) -> Primaries:
        # redis-py uses SENTINEL MASTERS, which names a new master one second later.
        command = ("SENTINEL GET-MASTER-ADDR-BY-NAME", self._url.service or "")
        with new_client(self._url.sentinel_at(source), QUERY_TIMEOUT, retries=0) as sentinel:
            address = execute(sentinel, *command)
        if not address:
            raise redis.ConnectionError("it knows no such service")
        return [(address[0], int(address[1]))]
