"""A resume point, and the measurement that a player reports. Frozen and pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from resume_service.settings import Settings

LONGEST_AGE = timedelta(milliseconds=10**8)
"""The longest time between a measurement and its arrival: about 28 hours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """Where a player says its viewer was, and when: a position, or a rate in its place."""

    user_id: str
    video_id: str
    position: float | None = None
    """Seconds from the start."""
    measured_at: datetime
    """By the server's clock: when the report arrived, less its age."""
    duration: float | None = None
    """Seconds; None when the player does not know it."""
    rate: float | None = None
    """Percent."""
    usual_duration: float | None = None
    """Seconds, by which a rate is read where neither player nor point knows a duration."""

    def __post_init__(self) -> None:
        if (self.position is None) is (self.rate is None):
            raise ValueError("a position or a rate")


class ResumePoint(NamedTuple):
    """Where a viewer goes on with one video, and how far that is where anybody has told.

    A tuple, because lists are made of hundreds: a frozen dataclass takes four times as long to make.
    """

    user_id: str
    video_id: str
    position: float
    """Seconds from the start."""
    updated_at: datetime
    """When the position was measured."""
    duration: float | None = None
    """Seconds."""
    percent: float | None = None
    """0 to 100, two decimals."""
    watched: bool | None = None
    """Whether `percent` ever reached WATCHED_PERCENT; a rewatch keeps it."""
    completed: bool | None = None
    """Whether `percent` is 100 as the point stands."""


class Saved(NamedTuple):
    """What became of a measurement."""

    point: ResumePoint
    """As it stands after the save."""
    is_applied: bool
    """False when the stored point was measured later, and stays."""
    is_new: bool
    """Whether there was no point before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What an operator may set about points."""

    ttl: timedelta = timedelta(days=30)
    """How long a point lives after its last save."""
    max_points: int = 1000
    """Points a user may hold."""
    watched_percent: int = 90
    """Percent from which a video counts as watched."""

    @classmethod
    def from_settings(cls, settings: Settings) -> Rules:
        return cls(
            ttl=timedelta(days=settings.resume_ttl_days),
            max_points=settings.resume_max_points,
            watched_percent=settings.watched_percent,
        )


class Status(StrEnum):
    """Which of a user's points to list."""

    IN_PROGRESS = "in-progress"
    """Standing below WATCHED_PERCENT or of unknown duration: worth going on with, rewatches too."""
    WATCHED = "watched"

    def admits(self, point: ResumePoint, watched_percent: int) -> bool:
        if self is Status.WATCHED:
            return point.watched is True
        return point.percent is None or point.percent < watched_percent


class ArchivedPoint(NamedTuple):
    """A row of the archive."""

    user_id: str
    video_id: str
    position: float
    """Seconds."""
    updated_at: datetime
    duration: float | None
    """Seconds."""
    percent: float | None
    watched: bool
    watched_at: datetime | None
    completed: bool
    completed_at: datetime | None


class FirstTimes(NamedTuple):
    """What the archive knew of a point that Redis did not."""

    user_id: str
    video_id: str
    updated_at: datetime
    watched_at: datetime | None
    completed_at: datetime | None


def measured_at(arrival: datetime, age_ms: int) -> datetime:
    """When a report that arrived at `arrival` was measured, `age_ms` milliseconds before."""
    return arrival - timedelta(milliseconds=age_ms)
