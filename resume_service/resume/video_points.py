"""Resume points of catalogue videos.

Checks that the caller may watch the video, then saves or reads the caller's own point. The user id
of the point is always the `sub` of the token. This is also true for admins and services.

The archive is a copy of the points in Postgres. A read uses the archive only if Redis does not have
the point, for example because the point has expired. A point that was deleted is never read from
the archive, although its row stays there until the next flush. A flush copies changes to the
archive.
"""

from __future__ import annotations

from typing import TypedDict, Unpack

from resume_service.auth.identity import Identity
from resume_service.clock import epoch_ms, iso
from resume_service.errors import Forbidden, NotFound, Unavailable
from resume_service.ids import row_id, user_id_errors
from resume_service.redis.operation import Blocking, Operation
from resume_service.resume.archived_points import ArchivedPoints
from resume_service.resume.hash_format import fields_of
from resume_service.resume.merge_state import NEVER
from resume_service.resume.model import ArchivedPoint, Measurement, ResumePoint
from resume_service.resume.state_fields import from_fields
from resume_service.resume.store import ResumeStore
from resume_service.resume.video_access import VideoAccess, WantedVideo


class Report(TypedDict, total=False):
    """A player's report: a position in seconds with a duration in seconds, or a rate in percent."""

    position: float
    duration: float
    rate: float


class VideoPoints:
    """Saves and reads the callers' points of catalogue videos."""

    def __init__(self, points: ResumeStore, access: VideoAccess, archive: ArchivedPoints) -> None:
        self._points = points
        self._access = access
        self._archive = archive

    def save(
        self,
        caller: Identity,
        video_id: str,
        wanted: WantedVideo,
        arrived_ms: int,
        **report: Unpack[Report],
    ) -> Operation[ResumePoint | None]:
        """Save a `position` with a `duration`, or save a `rate`. Return the stored point.

        Return None if a deletion at the same time cancels the save.

        Raises NotFound if the video does not exist, or if its kind is not the kind of `wanted`.
        Raises Forbidden if the caller may not watch the video, or if the token's `sub` is no valid
        user id. Raises Unavailable if Redis or the catalogue fails. If only the archive fails, the
        save succeeds, and the next flush merges the archived point.
        """
        user_id, duration = yield from self._check(caller, video_id, wanted)
        saved = yield from self._points.save_and_get(
            Measurement(
                user_id=user_id,
                video_id=video_id,
                arrived_ms=arrived_ms,
                catalogue_duration=duration,
                **report,
            )
        )
        if not saved.is_new or saved.point is None:
            return saved.point
        try:
            archived = yield from self._archived(user_id, video_id)
            return (
                (yield from self._points.merge(archived, arrived_ms)) if archived else saved.point
            )
        except Unavailable:
            return saved.point

    def find(
        self, caller: Identity, video_id: str, wanted: WantedVideo
    ) -> Operation[ResumePoint | None]:
        """Return the caller's point from Redis.

        If Redis does not have the point, return the archived point if its video was watched. Else
        return None.

        Raises NotFound and Forbidden as `save` does. Raises Unavailable if a store that it needs
        fails: Redis, the catalogue or the archive.
        """
        user_id, _ = yield from self._check(caller, video_id, wanted)
        try:
            return (yield from self._points.get(user_id, video_id))
        except NotFound:
            archived = yield from self._archived(user_id, video_id)
        if archived is None or not archived.watched:
            return None
        # Until the next flush, only Redis has an unwatched mark for an archived point.
        unwatched_at = yield from self._points.unwatched_at(user_id, video_id)
        return _as_point(archived) if _qualified_at(archived) > unwatched_at else None

    def _check(
        self, caller: Identity, video_id: str, wanted: WantedVideo
    ) -> Operation[tuple[str, float | None]]:
        """Check the access.

        Return the user id and the catalogue's duration of the video in seconds.
        """
        if errors := user_id_errors(caller.user_id):
            raise Forbidden(errors[0])
        number = row_id(video_id)
        if number is None:
            raise NotFound(wanted.not_found)
        return caller.user_id, (yield from self._access.check(caller, number, wanted))

    def _archived(self, user_id: str, video_id: str) -> Operation[ArchivedPoint | None]:
        """Return the archived point, unless it was deleted."""
        found: ArchivedPoint | None = yield Blocking(lambda: self._archive.find(user_id, video_id))
        if found is None:
            return None
        # Read the row first. So a deletion after that read is found, too.
        deleted_at = yield from self._points.deleted_at(user_id, video_id)
        is_deleted = deleted_at is not None and epoch_ms(found.updated_at) <= deleted_at
        return None if is_deleted else found


def _qualified_at(archived: ArchivedPoint) -> int:
    """Return the time of the latest known event that made the video watched, ms since 1970."""
    first = epoch_ms(archived.watched_at) if archived.watched_at else NEVER
    return max(first, from_fields(fields_of(archived)).qualified)


def _as_point(archived: ArchivedPoint) -> ResumePoint:
    return ResumePoint(
        archived.user_id,
        archived.video_id,
        archived.position,
        iso(archived.updated_at),
        archived.duration,
        archived.percent,
        archived.watched,
        archived.completed if archived.percent is not None else None,
    )
