"""Points that stay watched beyond their 30 days in Redis, as long as the archive has them.

What Redis holds is said and kept without a question to the archive. Only of a point that Redis
holds no more does the archive know anything that counts: that it was watched, once. A point that
was deleted is forgotten, also before the archive has erased it.
"""

from __future__ import annotations

from resume_service.archive.history import History
from resume_service.errors import NotFound, Unavailable
from resume_service.resume.bulk_store import ArchivedPoint
from resume_service.resume.model import Measurement, ResumePoint
from resume_service.resume.store import ResumeStore

RECALLS = 3
"""Tries to tell a point what the archive knows, while others save it too."""


class LastingPoints:
    """`points`, and what the archive remembers of them; None without an archive."""

    def __init__(self, points: ResumeStore, archive: History | None) -> None:
        self._points = points
        self._archive = archive

    def save(self, seen: Measurement) -> ResumePoint:
        """Keep `seen`, unless the stored point was measured later; the point as it stands then.

        Raises Unavailable. The archive need not answer: then the next flush tells the point.
        """
        saved = self._points.save_and_get(seen)
        if not saved.is_new:
            return saved.point
        try:
            return self._recalled(saved.point)
        except (Unavailable, NotFound):  # the latter when it was deleted this very moment
            return saved.point

    def find(self, user_id: str, video_id: str) -> ResumePoint | None:
        """The point; the archived one where Redis has none and that was watched; None without one.

        Raises Unavailable, also when it is the archive that would have to tell.
        """
        try:
            return self._points.get(user_id, video_id)
        except NotFound:
            archived = self._archived(user_id, video_id)
        return _as_it_stood(archived) if archived and archived.watched else None

    def _recalled(self, point: ResumePoint) -> ResumePoint:
        """`point`, which has just begun, told of its life before."""
        archived = self._archived(point.user_id, point.video_id)
        if archived is None or not (archived.watched_at or archived.completed_at):
            return point
        for _ in range(RECALLS):
            if self._points.recall(point, archived.watched_at, archived.completed_at):
                break
            point = self._points.get(point.user_id, point.video_id)
        return point._replace(watched=archived.watched or point.watched)

    def _archived(self, user_id: str, video_id: str) -> ArchivedPoint | None:
        if self._archive is None or self._points.is_erased(user_id, video_id):
            return None
        return self._archive.find(user_id, video_id)


def _as_it_stood(archived: ArchivedPoint) -> ResumePoint:
    return ResumePoint(
        archived.user_id,
        archived.video_id,
        archived.position,
        archived.updated_at,
        archived.duration,
        archived.percent,
        archived.watched,
        archived.completed if archived.percent is not None else None,
    )
