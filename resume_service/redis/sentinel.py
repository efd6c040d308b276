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

    def known_node(self, key: str) -> redis.Redis | None:
        return None if self._is_outdated() else super().known_node(key)

    def node(self, key: str) -> redis.Redis:
        if self._is_outdated():
            self._refresh_unless_running(0)
        return super().node(key)

    def _is_outdated(self) -> bool:
        """Return whether a call must query a Sentinel first, and no other call does so.

        After a failover, the old master may accept writes for ten more seconds. These writes are
        lost when the old master becomes a replica. So a call queries one Sentinel about once a
        second, even if no call fails.
        """
        return (
            bool(self._primaries)
            and time.monotonic() > self._next_refresh + MAX_AGE
            and not self._refreshing.locked()
        )

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
