"""Estimates the clock of a Redis server, to recognise commands that were held back on their way.

A command may wait in a socket or proxy until after its deadline. Its caller has got a 503 by then,
and a newer save may be acknowledged. So each event names its deadline by the clock of Redis. The
script uses this time if Redis executes the event later.

A reply to TIME gives an interval for the difference between the two clocks: the server read its clock
between the command and the reply. The estimate is the part that the intervals have in common. If an
interval has no part in common with it, the clock was set, or the reply is garbled: then the next
reply decides.
"""

from __future__ import annotations

import time
from math import inf
from typing import Any

TIME = ("TIME",)
SECONDS_BETWEEN = 1.0
"""Seconds between two estimates."""
MAX_AGE = 60.0
"""Seconds after the latest reply in which the estimate may be used."""
Interval = tuple[float, float]
"""Least and greatest value of the server's time minus `time.monotonic()`, in seconds."""
NOTHING: Interval = (inf, -inf)


class ServerClock:
    """All times are values of `time.monotonic()`, in seconds."""

    def __init__(self) -> None:
        self._difference = self._candidate = NOTHING
        self._asked_at = self._answered_at = -inf

    def ask(self) -> float | None:
        """Return the current time if the next call must ask for the server's time, else None.

        That call then gives this time and the reply to `answered`. As long as there is no estimate,
        each call asks.
        """
        now = time.monotonic()
        if now < self._asked_at + SECONDS_BETWEEN and self._answered_at > -inf:
            return None
        self._asked_at = now
        return now

    def answered(self, sent: float, reply: Any) -> None:
        """Use the reply to the command TIME, which was sent at `sent` or later."""
        received = time.monotonic()
        try:
            seconds, microseconds = reply
            server_time = int(seconds) + int(microseconds) / 1_000_000
        except (TypeError, ValueError):
            return  # the reply is garbled
        seen = server_time - received, server_time - sent
        if common := _common(self._difference, seen):
            self._difference = common
        elif not _common(self._candidate, seen):
            self._candidate = seen
            return
        else:
            self._difference = seen
        self._candidate = NOTHING
        self._answered_at = received

    def latest_ms(self) -> int | None:
        """Return a time that the clock of the server has not passed yet, ms since 1970.

        Return None if it is unknown.
        """
        now = time.monotonic()
        if now > self._answered_at + MAX_AGE:
            return None
        return int((now + self._difference[1]) * 1000) + 1


def _common(one: Interval, other: Interval) -> Interval | None:
    """Return the common part of two intervals. Return None if there is none."""
    common = max(one[0], other[0]), min(one[1], other[1])
    return common if common[0] <= common[1] else None
