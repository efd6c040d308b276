"""The types of a resume point and of a player's report. Immutable, without I/O."""

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
    """A player's report: a position or a rate, and the time when it was measured."""

    user_id: str
    video_id: str
    position: float | None = None
    """Seconds from the start."""
    measured_at: datetime
    """By the server's clock: the arrival of the report minus its age."""
    duration: float | None = None
    """Seconds. None if the player does not know it."""
    rate: float | None = None
    """Percent."""
    usual_duration: float | None = None
    """Seconds. Converts a rate to a position if neither report nor stored point has a duration."""

    def __post_init__(self) -> None:
        if (self.position is None) is (self.rate is None):
            raise ValueError("a position or a rate")


class ResumePoint(NamedTuple):
    """A viewer's position in one video, and its percent if known.

    A list creates hundreds of points. A frozen dataclass takes four times as long to create.
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
    """Whether `percent` ever reached WATCHED_PERCENT. A rewatch does not reset it."""
    completed: bool | None = None
    """Whether `percent` is 100 now."""


class Saved(NamedTuple):
    """The result of a save."""

    point: ResumePoint
    """The point after the save."""
    is_applied: bool
    """False if the stored point was measured later. Then the save changes nothing."""
    is_new: bool
    """Whether no point existed before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PointSettings:
    """The settings of points."""

    ttl: timedelta
    """A point expires after this time without a save."""
    max_points: int
    """The maximum number of points of a user."""
    watched_percent: int
    """A video counts as watched from this percent on."""

    @classmethod
    def from_settings(cls, settings: Settings) -> PointSettings:
        return cls(
            ttl=timedelta(days=settings.resume_ttl_days),
            max_points=settings.resume_max_points,
            watched_percent=settings.watched_percent,
        )


class Status(StrEnum):
    """A filter for the list of a user's points."""

    IN_PROGRESS = "in-progress"
    """Now below WATCHED_PERCENT, or without a known percent. Includes rewatches."""
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
    """The first times of a point that the archive has and Redis lacks."""

    user_id: str
    video_id: str
    updated_at: datetime
    watched_at: datetime | None
    completed_at: datetime | None


def measured_at(arrival: datetime, age_ms: int) -> datetime:
    """The time of a measurement that was `age_ms` milliseconds old at `arrival`."""
    return arrival - timedelta(milliseconds=age_ms)
