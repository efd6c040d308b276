"""Estimates the clock of a Redis server, to recognise commands that were held back on their way.

A command may wait in a socket or proxy until after its deadline. Its caller has got a 503 by then,
and a newer save may be acknowledged. So each event names the latest time at which it can have
arrived, by the clock of Redis. The script takes this time if Redis executes the event much later.

The reply to TIME gives an upper limit of the difference between the two clocks: the server read its
clock after the command was sent. The lowest of the recent limits is the estimate.
"""

from __future__ import annotations

import time
import weakref
from math import inf
from typing import Any

import redis

TIME = b"*1\r\n$4\r\nTIME\r\n"
"""The packed command TIME."""
SECONDS_BETWEEN = 1.0
"""Seconds between two estimates."""
WINDOW_SECONDS = 10.0
"""An estimate counts for one to two times this number of seconds."""
MAX_AGE = 60.0
"""Seconds after the latest reply in which the estimate may be used."""


class ServerClock:
    """All times are values of `time.monotonic()`, in seconds."""

    def __init__(self) -> None:
        self._limit = self._next_limit = inf
        """Upper limits of the server's time minus `time.monotonic()`."""
        self._window_end = 0.0
        self._asked_at = self._answered_at = -inf

    def is_due(self, now: float) -> bool:
        """Return whether the next round trip must ask for the time."""
        return now >= self._asked_at + SECONDS_BETWEEN

    def asked(self, now: float) -> None:
        self._asked_at = now

    def answered(self, sent: float, received: float, reply: Any) -> None:
        """Use the reply to a command that was sent and answered at these times."""
        try:
            seconds, microseconds = reply
            server_time = int(seconds) + int(microseconds) / 1_000_000
        except (TypeError, ValueError):
            return  # an error, for example because the user of Redis may not run TIME
        limit = server_time - sent
        if server_time - received > self._limit:  # the clock of the server was set forward
            self._limit = self._next_limit = inf
        if received > self._window_end:
            self._limit, self._next_limit = self._next_limit, inf
            self._window_end = received + WINDOW_SECONDS
        self._limit = min(self._limit, limit)
        self._next_limit = min(self._next_limit, limit)
        self._answered_at = received

    def latest_ms(self) -> int | None:
        """Return a time that the clock of the server has not passed yet, ms since 1970.

        Return None if it is unknown.
        """
        now = time.monotonic()
        if now > self._answered_at + MAX_AGE:
            return None
        return int((now + self._limit) * 1000) + 1


_clocks: weakref.WeakKeyDictionary[redis.ConnectionPool, ServerClock] = weakref.WeakKeyDictionary()


def clock_of(pool: redis.ConnectionPool) -> ServerClock:
    """Return the clock of the server of `pool`."""
    clock = _clocks.get(pool)
    if clock is None:
        clock = _clocks.setdefault(pool, ServerClock())
    return clock
