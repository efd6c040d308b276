"""Checks whether this instance can serve requests. The result is used again for a second."""

from __future__ import annotations

import threading
import time
from typing import NamedTuple

from resume_service.errors import Unavailable
from resume_service.postgres.database import Database
from resume_service.redis.health import RedisState, check_primaries
from resume_service.redis.router import RedisRouter

CACHE_SECONDS = 1.0
"""Seconds during which a result is used again. So probes cost nothing, however many arrive."""
OK, OFF, DOWN = "ok", "off", "down"
"""The states of the database. It is off if DATABASE_URL is not set."""


class State(NamedTuple):
    """The state of the servers that this instance uses."""

    redis: RedisState | None
    """None if no primary answers."""
    database: str


class Readiness:
    """Checks Redis and Postgres, both at the same time.

    Only one caller at a time checks. The others wait for its result, and use it too.
    """

    def __init__(self, redis: RedisRouter, database: Database | None) -> None:
        self._redis = redis
        self._database = database
        self._checking = threading.Lock()
        self._checked_at = -float("inf")
        self._state = State(None, OFF)

    def state(self) -> State:
        """Return the state, not older than CACHE_SECONDS. Raises Unavailable without Redis."""
        with self._checking:
            if time.monotonic() >= self._checked_at + CACHE_SECONDS:
                self._state = self._check()
                self._checked_at = time.monotonic()
            state = self._state
        if state.redis is None:
            raise Unavailable("Not ready: no Redis primary answers")
        return state

    def _check(self) -> State:
        states: list[str] = []
        database = threading.Thread(target=lambda: states.append(self._database_state()))
        database.start()
        redis = self._redis_state()
        database.join()
        return State(redis, states[0])

    def _redis_state(self) -> RedisState | None:
        try:
            return check_primaries(self._redis)
        except Unavailable:
            return None

    def _database_state(self) -> str:
        if self._database is None:
            return OFF
        try:
            self._database.ping()
        except Unavailable:
            return DOWN
        return OK
