"""The current time, and times as text and as milliseconds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]
"""Returns the current time, in UTC. Tests pass a clock that they control."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


def system_clock() -> datetime:
    """The current time in UTC. Each host of the service needs a synchronised clock (NTP)."""
    return datetime.now(UTC)


def epoch_ms(moment: datetime) -> int:
    """Whole milliseconds since 1970. Rounds down, as `iso` does."""
    return (moment - EPOCH) // MILLISECOND


def from_epoch_ms(ms: int) -> datetime:
    """The inverse of `epoch_ms`. Raises OverflowError after the year 9999."""
    return EPOCH + timedelta(milliseconds=ms)


def iso(moment: datetime) -> str:
    """`2026-11-20T10:00:00.000Z`: the only time format that this service writes."""
    in_utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return f"{in_utc.isoformat('T', 'milliseconds')[:23]}Z"
