"""What this package needs of the archive, which is a copy of the points in Postgres.

`archive/history.py` implements it. This package does not import the archive.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Protocol

from resume_service.resume.model import ArchivedPoint

PointId = tuple[str, str]
"""A user id and a video id."""


class ArchivedPoints(Protocol):
    """Each method raises Unavailable if the archive does not answer."""

    def find(self, user_id: str, video_id: str) -> ArchivedPoint | None:
        """Return the archived point, or None if the archive does not have the point."""

    def times(self, points: Collection[PointId]) -> Mapping[PointId, datetime]:
        """Return when each of `points` was measured. Omits those that the archive does not have."""


class NoArchive:
    """Implements `ArchivedPoints` for a service without an archive."""

    def find(self, user_id: str, video_id: str) -> ArchivedPoint | None:
        return None

    def times(self, points: Collection[PointId]) -> Mapping[PointId, datetime]:
        return {}
