"""Points of catalogue videos.

Checks that the caller may watch the video, then saves or reads the caller's own point. The user is
the token's `sub`, also for admins and services.

If Redis has the point, a read does not use the archive. If the point has expired, the archive says
whether the video was watched. A deleted point is never read from the archive, even before its row
is deleted.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from resume_service.auth.identity import Identity
from resume_service.errors import Forbidden, NotFound, Unavailable
from resume_service.ids import row_id, user_id_errors
from resume_service.resume.model import ArchivedPoint, Measurement, ResumePoint
from resume_service.resume.store import ResumeStore
from resume_service.resume.video_access import VideoAccess, WantedVideo

FIRST_TIMES_TRIES = 3
"""The number of tries to add first times to a point that is saved at the same time."""


class ArchivedPoints(Protocol):
    def find(self, user_id: str, video_id: str) -> ArchivedPoint | None:
        """The archived point, or None. Raises Unavailable."""


class NoArchive:
    """The `ArchivedPoints` of a service without an archive."""

    def find(self, user_id: str, video_id: str) -> ArchivedPoint | None:
        return None


class VideoPoints:
    """Saves and reads the points of a catalogue's videos."""

    def __init__(self, points: ResumeStore, access: VideoAccess, archive: ArchivedPoints) -> None:
        self._points = points
        self._access = access
        self._archive = archive

    def save(
        self,
        caller: Identity,
        video_id: str,
        wanted: WantedVideo,
        measured_at: datetime,
        **values: float,
    ) -> ResumePoint:
        """Save `position` and `duration`, or `rate`. Return the stored point.

        Raises NotFound, Forbidden and Unavailable. A failure of the archive does not fail the save.
        The next flush adds the first times from the archive.
        """
        user_id, duration = self._check(caller, video_id, wanted)
        saved = self._points.save_and_get(
            Measurement(
                user_id=user_id,
                video_id=video_id,
                measured_at=measured_at,
                usual_duration=duration,
                **values,
            )
        )
        if not saved.is_new:
            return saved.point
        try:
            return self._with_first_times(saved.point)
        except (Unavailable, NotFound):  # NotFound: the point was deleted at the same time
            return saved.point

    def find(self, caller: Identity, video_id: str, wanted: WantedVideo) -> ResumePoint | None:
        """Return the caller's point. If Redis has none: the archived point if watched, else None.

        Raises NotFound, Forbidden and Unavailable, also if only the archive fails.
        """
        user_id, _ = self._check(caller, video_id, wanted)
        try:
            return self._points.get(user_id, video_id)
        except NotFound:
            archived = self._archived(user_id, video_id)
        return _as_point(archived) if archived and archived.watched else None

    def _check(
        self, caller: Identity, video_id: str, wanted: WantedVideo
    ) -> tuple[str, float | None]:
        """The user of the point, and the catalogue's duration of the video in seconds."""
        if errors := user_id_errors(caller.user_id):
            raise Forbidden(errors[0])
        number = row_id(video_id)
        if number is None:
            raise NotFound(wanted.not_found)
        return caller.user_id, self._access.check(caller, number, wanted)

    def _with_first_times(self, point: ResumePoint) -> ResumePoint:
        """Add the first times of an earlier, expired point to a new point. Return the result."""
        archived = self._archived(point.user_id, point.video_id)
        if archived is None or not (archived.watched_at or archived.completed_at):
            return point
        for _ in range(FIRST_TIMES_TRIES):
            if self._points.set_first_times(point, archived.watched_at, archived.completed_at):
                break
            point = self._points.get(point.user_id, point.video_id)
        return point._replace(watched=archived.watched or point.watched)

    def _archived(self, user_id: str, video_id: str) -> ArchivedPoint | None:
        # The order matters: the worker deletes the row before it removes the entry of a deletion.
        if self._points.is_erased(user_id, video_id):
            return None
        return self._archive.find(user_id, video_id)


def _as_point(archived: ArchivedPoint) -> ResumePoint:
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
