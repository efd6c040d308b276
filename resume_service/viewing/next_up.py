"""The list "next up": of each series that a viewer has begun, the next episode to watch."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import sqlalchemy

from resume_service.auth.identity import Identity, Role
from resume_service.catalogue.facts import VideoFacts
from resume_service.postgres.database import Database
from resume_service.redis.operation import Blocking, Operation
from resume_service.resume.point_scan import KnownVideos, PointScan
from resume_service.resume.video_access import VideoKind
from resume_service.viewing import queries

MAX_SECONDS = 0.85
"""Maximum seconds of a request if Postgres hangs. The statement may use all that is left of them.

For a viewer with 50,000 archived points, the statement takes 0.15 s of CPU time, or 0.3 s if all of
them have marks. Beside other requests, it may take several times as long.
"""


class NextEpisode(NamedTuple):
    """An item of the list."""

    video: VideoFacts
    after: VideoFacts | None
    """The episode that the viewer watched last. None if it is not offered any more."""


class NextUp:
    """Reads the points from Redis in two round trips.

    Postgres joins them with the archived points, and finds the episodes, with one statement.
    """

    def __init__(self, points: PointScan, database: Database) -> None:
        self._points = points
        self._database = database

    def items(self, viewer: Identity, limit: int) -> Operation[list[NextEpisode]]:
        """Return at most `limit` items. The series that was watched last comes first.

        Raises Unavailable if Redis or Postgres fails.
        """
        end = time.monotonic() + MAX_SECONDS
        known = yield from self._points.known(viewer.user_id)
        items: list[NextEpisode] = yield Blocking(lambda: self._query(viewer, known, limit, end))
        return items

    def _query(
        self, viewer: Identity, known: KnownVideos, limit: int, end: float
    ) -> list[NextEpisode]:
        with self._database.transaction() as sql:
            self._database.allow(sql, end - time.monotonic())
            result = sql.execute(
                queries.NEXT_EPISODES,
                {
                    "points": "\n".join(known.lines),
                    "deletions": "\n".join(f"{each} {at}" for each, at in known.deletions.items()),
                    "user_id": viewer.user_id,
                    "watched_percent": self._points.watched_percent,
                    "sees_all": viewer.role is Role.SERVICE,
                    "corporation_id": viewer.corporation_id,
                    "limit": limit,
                },
            )
            return [_item(row) for row in result]


def _item(row: sqlalchemy.Row[Any]) -> NextEpisode:
    return NextEpisode(_video(row, ""), _video(row, "after_") if row.after_offered else None)


def _video(row: sqlalchemy.Row[Any], prefix: str) -> VideoFacts:
    values = row._mapping  # noqa: SLF001 - public in SQLAlchemy
    return VideoFacts(
        values[f"{prefix}id"],
        VideoKind(values[f"{prefix}kind"]),
        values[f"{prefix}corporation_id"],
        values[f"{prefix}duration_seconds"],
        is_offered=True,
        name=values[f"{prefix}name"],
        series_id=values[f"{prefix}series_id"],
        season_number=values[f"{prefix}season_number"],
        episode_number=values[f"{prefix}episode_number"],
    )
