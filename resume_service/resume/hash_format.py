"""How a resume point is written in its Redis hash."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from resume_service.clock import iso
from resume_service.resume.model import ArchivedPoint, ResumePoint

POINT_FIELDS = ("currentTime", "updatedAt", "duration", "percent", "watched", "completed")
"""The hash fields of a `ResumePoint`, in the order of `point_from`."""
ARCHIVE_FIELDS = (
    "currentTime",
    "updatedAt",
    "duration",
    "percent",
    "watched",
    "watchedAt",
    "completed",
    "completedAt",
)
"""The hash fields that the archive stores."""


def number_text(number: float) -> str:
    """A number as the hash stores it: 3600, not 3600.0."""
    return str(int(number)) if number == int(number) else repr(number)


def number_or_empty(number: float | None) -> str:
    """As `number_text`; empty for None."""
    return "" if number is None else number_text(number)


def iso_or_empty(moment: datetime | None) -> str:
    """A time as the hash stores it; empty for None."""
    return iso(moment) if moment else ""


def point_from(user_id: str, video_id: str, values: list[Any]) -> ResumePoint:
    """The point of a hash, from the values of its POINT_FIELDS.

    Each save writes the first two fields. The others may be None.
    """
    position, updated_at, duration, percent, watched, completed = values
    return ResumePoint(
        user_id,
        video_id,
        float(position),
        datetime.fromisoformat(updated_at),
        float(duration) if duration else None,
        float(percent) if percent else None,
        watched == "1" if watched else None,
        completed == "1" if completed else None,
    )


def fields_of(row: ArchivedPoint) -> list[str]:
    """The hash of an archived point: fields and values alternate.

    Omits `watchedAt` and `completedAt`. The script `restore_point.lua` writes them.
    """
    fields = ["currentTime", number_text(row.position), "updatedAt", iso(row.updated_at)]
    if row.duration is not None:
        fields += ["duration", number_text(row.duration)]
    if row.percent is not None:
        fields += ["percent", f"{row.percent:.2f}", "watched", str(int(row.watched))]
        fields += ["completed", str(int(row.completed))]
    return fields
