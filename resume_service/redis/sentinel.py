"""Redis Sentinel: finds the current master, which is the only server that accepts writes."""

from __future__ import annotations

import time
from typing import Any

import redis

from resume_service.redis.client import execute
from resume_service.redis.topology import Primaries, Topology
from resume_service.settings.redis_url import Address

MAX_AGE = 1.0
"""A call queries a Sentinel if the last query is older than these seconds plus REFRESH_INTERVAL."""


class SentinelMaster(Topology):
    """Sends all commands to the master. Queries Sentinels for the address of the master."""

    def node(self, key: str) -> redis.Redis:
        # After a failover, the old master may accept writes for ten more seconds. These writes are
        # lost when the old master becomes a replica. So a call queries one Sentinel about once
        # a second, even if no call fails.
        if self._primaries and time.monotonic() > self._next_refresh + MAX_AGE:
            self._refresh_unless_running(0)
        return super().node(key)

    def run(self, key: str, *command: str | float) -> Any:
        return execute(self.node(key), *command)

    def _position(self, key: str) -> int:
        return 0

    def _query(self, source: Address) -> Primaries:
        # redis-py uses SENTINEL MASTERS. That command reports a new master one second later than
        # GET-MASTER-ADDR-BY-NAME.
        command = ("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._url.service or "")
        address = self._reply_of(self._url.sentinel_at(source), *command, has_echo=False)
        if not address:
            raise redis.ConnectionError("it knows no such service")
        return [(address[0], int(address[1]))]
