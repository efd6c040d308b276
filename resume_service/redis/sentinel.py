"""The primary that Redis Sentinel names."""

from __future__ import annotations

import time
from typing import Any

import redis

from resume_service.redis.client import execute, new_client
from resume_service.redis.topology import QUERY_TIMEOUT, Primaries, Topology
from resume_service.settings.redis_url import Address

MAX_AGE = 1.0
"""For which the word of a Sentinel is good while nothing fails."""


class SentinelMaster(Topology):
    """The master that Sentinels name: the only one to take writes."""

    def node(self, key: str) -> redis.Redis:
        # A master that Sentinels have replaced may take writes for another ten seconds, and they
        # are lost when it becomes a replica. So ask (one of them, for ASK_SECONDS) before it fails.
        if self._primaries and time.monotonic() > self._next_refresh + MAX_AGE:
            self._refresh_unless_running(0)
        return super().node(key)

    def run(self, key: str, *command: str | float) -> Any:
        return execute(self.node(key), *command)

    def _position(self, key: str) -> int:
        return 0

    def _query(self, source: Address) -> Primaries:
        # Not SENTINEL MASTERS, as redis-py does: that tells of a new master a second later.
        question = ("SENTINEL GET-MASTER-ADDR-BY-NAME", self._url.service or "")
        with new_client(self._url.sentinel_at(source), QUERY_TIMEOUT, retries=0) as sentinel:
            named = execute(sentinel, *question)
        if not named:
            raise redis.ConnectionError("it knows no such service")
        return [(named[0], int(named[1]))]
