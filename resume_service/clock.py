"""The current time, and the conversion of times to text and to milliseconds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]
"""A function that returns the current time in UTC. Tests pass a clock that they control."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


def system_clock() -> datetime:
    """Return the current time in UTC. All hosts of the service need synchronised clocks (NTP)."""
    return datetime.now(UTC)


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
