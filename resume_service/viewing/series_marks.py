"""Marks for all episodes of a series: watched, unwatched, dismissed and undismissed."""

from __future__ import annotations

from typing import NamedTuple

from resume_service.auth.identity import Identity
from resume_service.errors import NotFound, Unavailable
from resume_service.postgres.database import Database
from resume_service.redis.operation import Blocking, Operation
from resume_service.resume.known_point import KnownPoint
from resume_service.resume.model import Deletion, EventType, Mark
from resume_service.resume.point_scan import KnownVideos, PointScan
from resume_service.resume.store import ResumeStore
from resume_service.viewing import queries
from resume_service.viewing.known_points import known_points

BATCH = 100
"""Number of marks in one round trip to Redis."""
NO_SERIES = "Series not found"


class Episode(NamedTuple):
    """An episode, and what the service knows of it for one viewer."""

    video_id: str
    is_offered: bool
    point: KnownPoint | None

    def is_concerned_by(self, mark: EventType) -> bool:
        """Return whether a mark for the series includes this episode.

        Only a watched mark creates points. Other marks of missing points would displace points of
        other videos from a full list. A series is dismissed with its unpublished episodes. So it
        stays dismissed when they are published again.
        """
        if mark is EventType.WATCHED:
            return self.is_offered
        if mark is EventType.UNWATCHED:
            return self.is_offered and self.point is not None
        return self.point is not None

    def is_changed_by(self, mark: EventType) -> bool:
        """Return whether a mark that concerns this episode changes it."""
        is_watched = self.point is not None and self.point.is_watched
        is_dismissed = self.point is not None and self.point.is_dismissed
        return {
            EventType.WATCHED: not is_watched,
            EventType.UNWATCHED: is_watched,
            EventType.DISMISSED: not is_dismissed,
            EventType.UNDISMISSED: is_dismissed,
        }[mark]


class SeriesMarks:
    """Stores the marks of a series as marks of its episodes."""

    def __init__(self, scan: PointScan, points: ResumeStore, database: Database) -> None:
        self._scan = scan
        self._points = points
        self._database = database

    def apply(
        self, viewer: Identity, series_id: int, mark: EventType, arrived_ms: int
    ) -> Operation[int]:
        """Mark the episodes of a series. Return the number of episodes that this changed.

        A full list keeps only its newest points. So it is at most the number of points of a user.

        Raises NotFound if the series has no published episode that the viewer may watch. Raises
        Unavailable if Redis or Postgres fails. Some episodes may then be marked; it does no harm to
        repeat the call.
        """
        known = yield from self._scan.known(viewer.user_id)
        episodes: list[Episode] = yield Blocking(lambda: self._episodes(viewer, series_id, known))
        if not any(each.is_offered for each in episodes):
            raise NotFound(NO_SERIES)
        concerned = [each for each in episodes if each.is_concerned_by(mark)]
        changed = 0
        for start in range(0, len(concerned), BATCH):
            batch = concerned[start : start + BATCH]
            results = yield from self._points.batch(
                [Mark(viewer.user_id, each.video_id, arrived_ms, mark) for each in batch]
            )
            if faults := [each for each in results if isinstance(each, Unavailable)]:
                raise faults[0]
            changed += sum(
                each.is_changed_by(mark) and isinstance(result, Deletion) and result.is_applied
                for each, result in zip(batch, results, strict=True)
            )
        # A mark of a full list may displace the point of an earlier mark.
        return min(changed, self._scan.max_points)

    def _episodes(self, viewer: Identity, series_id: int, known: KnownVideos) -> list[Episode]:
        with self._database.transaction() as sql:
            rows = sql.execute(queries.episodes(viewer, series_id)).all()
            ids = [str(row.id) for row in rows]
            archived = queries.archived_points(sql, viewer.user_id, ids)
        points = known_points(known, archived, self._scan.watched_percent)
        existing = {video_id: point for video_id, point in points.items() if point.exists}
        return [Episode(str(row.id), row.offered, existing.get(str(row.id))) for row in rows]
