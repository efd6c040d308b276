"""The current time, and the conversion of times to text and to milliseconds."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]
"""A function that returns the current time in UTC. Tests pass a clock that they control."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
MillisecondClock = Callable[[], int]
"""A function that returns the current time in whole milliseconds since 1970."""


def system_clock() -> datetime:
    """Return the current time in UTC. All hosts of the service need synchronised clocks (NTP)."""
    return datetime.now(UTC)


def millisecond_clock(clock: Clock) -> MillisecondClock:
    """Return a function for the same time in milliseconds."""
    if clock is system_clock:
        return _system_ms  # without a datetime: 0.1 us instead of 0.7
    return lambda: epoch_ms(clock())


def _system_ms() -> int:
    return time.time_ns() // 1_000_000


def epoch_ms(moment: datetime) -> int:
    """Return the whole milliseconds since 1970. Rounds down, as `iso` does."""
    return (moment - EPOCH) // MILLISECOND


def from_epoch_ms(ms: int) -> datetime:
    """Return the time that is `ms` milliseconds after the start of 1970.

    Raises OverflowError if this time is after the year 9999.
    """
    return EPOCH + timedelta(milliseconds=ms)


def iso(moment: datetime) -> str:
    """Return `moment` as text such as `2026-11-20T10:00:00.000Z`.

    This service writes times in this format only. Microseconds are cut off.
    """
    in_utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return f"{in_utc.isoformat('T', 'milliseconds')[:23]}Z"


def iso_ms(ms: int) -> str:
    """Return the time that is `ms` milliseconds after the start of 1970, in the format of `iso`.

    Raises OverflowError if this time is after the year 9999.
    """
    second, rest = divmod(ms, 1000)
    return _iso_second(second) + _MILLISECONDS[rest]


# Most saves are measured in one of a few seconds: 0.2 us instead of 0.8.
@functools.lru_cache(maxsize=64)
def _iso_second(second: int) -> str:
    return iso(from_epoch_ms(second * 1000))[:-4]


_MILLISECONDS = tuple(f"{ms:03d}Z" for ms in range(1000))
