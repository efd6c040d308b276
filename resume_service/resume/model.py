"""The types of a resume point and of a player's report. They are immutable and do no I/O.

A resume point (short: point) is the position at which a user can continue a video.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct

from resume_service.resume.merge_state import is_begun
from resume_service.settings import Settings


class EventType(StrEnum):
    """What happened to a point. Events merge in any order of arrival."""

    SAVE = "save"
    """A player reported a position."""
    RATE = "rate"
    """A player reported the watched part of the video in percent."""
    DELETE = "delete"
    WATCHED = "watched"
    UNWATCHED = "unwatched"
    DISMISSED = "dismissed"
    UNDISMISSED = "undismissed"


class Measurement(Struct, frozen=True, gc=False):
    """A player's report: either a position or a rate. The event is a save or a rate.

    A rate is the watched part of the video in percent.
    """

    user_id: str
    video_id: str
    arrived_ms: int
    """The time when this host received the report, ms since 1970.

    The order of events depends on the clock of Redis instead, unless the store has a fixed clock.
    """
    position: float | None = None
    """Seconds from the start of the video. None if the report contains a rate."""
    duration: float | None = None
    """Length of the video in seconds. None if the player does not know the length."""
    rate: float | None = None
    """Percent. None if the report contains a position."""
    catalogue_duration: float | None = None
    """Length of the video in seconds according to the catalogue. None if unknown.

    It applies only if no player sent a duration, and it travels only with a rate.
    """
    age_ms: int = 0
    """Milliseconds from the measurement to the arrival."""
    device: str | None = None
    """The display name of the player, stored with a position. None if unknown."""


class Mark(Struct, frozen=True, gc=False):
    """A deletion, or one of the marks watched, unwatched, dismissed and undismissed."""

    user_id: str
    video_id: str
    arrived_ms: int
    """See `Measurement.arrived_ms`."""
    type: EventType
    age_ms: int = 0
    """Milliseconds from the user's action to the arrival."""


class Deletion(NamedTuple):
    """The result of a deletion or a mark."""

    existed: bool
    """Whether Redis had the point."""
    earlier_ms: int
    """Time of the latest deletion before this one, ms since 1970. 0 if there was none."""
    is_applied: bool
    """Whether it has changed anything, and a full list had space for the point."""


class ResumePoint(Struct, frozen=True, gc=False):
    """A user's position in one video, and the watched percent of the video if known.

    It is a Struct because a list creates hundreds of points. A NamedTuple takes three times as long.
    """

    user_id: str
    video_id: str
    position: float
    """Seconds from the start of the video."""
    updated_at: str
    """The time when the position was measured, in the format of `clock.iso`.

    It is text because Redis stores this text, and the APIs return it.
    """
    duration: float | None = None
    """Length of the video in seconds. None if unknown."""
    percent: float | None = None
    """0 to 100 with two decimals. None if unknown."""
    watched: bool | None = None
    """True if `percent` reached WATCHED_PERCENT, or by a mark. It stays True on a rewatch."""
    completed: bool | None = None
    """True if `percent` is 100 now."""
    device: str | None = None
    """The display name of the player that sent the position. None if unknown."""
    dismissed: bool = False
    """True if the user has removed the video from "continue watching" since its last save."""
    previous_position: float | None = None
    """Seconds: the position before a save moved it back by more than a minute. None if unknown.

    It remains until a save reaches this position again.
    """
    previous_at: str | None = None
    """The time when `previous_position` was measured, in the format of `clock.iso`."""

    @property
    def is_only_marked(self) -> bool:
        """Whether the video is watched by a mark, and no player has reported a position."""
        return self.watched is True and self.position == 0 and self.percent is None


class Saved(NamedTuple):
    """The result of a save."""

    point: ResumePoint | None
    """The stored point after the save. None if a later deletion cancels the save, or if the point is
    older than all points of a full list."""
    is_applied: bool
    """Whether the save is the latest one. Otherwise the position has not changed."""
    is_new: bool
    """True if no point existed before the save."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PointSettings:
    """The settings that the rules of a save use."""

    ttl: timedelta
    """A point expires in Redis when no save and no mark changed it for this time.

    A deletion stays in effect for this time. No event may be older.
    """
    max_points: int
    """Maximum number of points of one user, and of deletions."""
    watched_percent: int
    """A video is watched when the percent of its point reaches this value."""

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
    """The position is above 0, and the percent is below WATCHED_PERCENT, or unknown.

    A video that was watched before and is watched again has this status too. A dismissed video does
    not have it.
    """
    WATCHED = "watched"
    """The percent ever reached WATCHED_PERCENT, or the user marked the video as watched."""

    def admits(self, point: ResumePoint, watched_percent: int) -> bool:
        if self is Status.WATCHED:
            return point.watched is True
        return not point.dismissed and is_begun(point.position, point.percent, watched_percent)


class ArchivedPoint(NamedTuple):
    """A point in the archive, which is a copy of the points in Postgres."""

    user_id: str
    video_id: str
    position: float
    """Seconds from the start of the video."""
    updated_at: datetime
    duration: float | None
    """Length of the video in seconds."""
    percent: float | None
    watched: bool
    watched_at: datetime | None
    completed: bool
    completed_at: datetime | None
    device: str | None = None
    """The device that measured the position."""
    rate: float | None = None
    """Percent. None unless the point has a rate and no position."""
    state: str | None = None
    """The JSON of the merge state. None if the other fields express the whole state."""
