"""Converts a resume point to the fields of its Redis hash, and back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from resume_service.clock import iso
from resume_service.resume.model import ArchivedPoint, ResumePoint

POINT_FIELDS = ("currentTime", "updatedAt", "duration", "percent", "watched", "completed")
"""The hash fields of a `ResumePoint`. `point_from` expects the values in this order."""
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
"""The hash fields that the archive in Postgres stores."""


def number_text(number: float) -> str:
    """Return a number as the hash stores it. A whole number has no decimals: 3600, not 3600.0."""
    return str(int(number)) if number == int(number) else repr(number)


def number_or_empty(number: float | None) -> str:
    """Return `number_text(number)`, or empty text for None."""
    return "" if number is None else number_text(number)


def iso_or_empty(moment: datetime | None) -> str:
    """Return a time as the hash stores it, or empty text for None."""
    return iso(moment) if moment else ""


def point_from(user_id: str, video_id: str, values: list[Any]) -> ResumePoint:
    """Return the point that a hash contains. `values` are the values of its POINT_FIELDS.

    The first two values must not be None, because each save writes them. The others may be None.
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
    """Return the hash of an archived point as a list: field, value, field, value and so on.

    Omits `watchedAt` and `completedAt`, because the script `restore_point.lua` writes these fields.
    """
    fields = ["currentTime", number_text(row.position), "updatedAt", iso(row.updated_at)]
    if row.duration is not None:
        fields += ["duration", number_text(row.duration)]
    if row.percent is not None:
        fields += ["percent", f"{row.percent:.2f}", "watched", str(int(row.watched))]
        fields += ["completed", str(int(row.completed))]
    return fields
