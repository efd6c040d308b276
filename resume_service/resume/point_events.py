"""Deletions, marks and batches: stores them in Redis, and says whether the point existed.

A point exists in Redis, or only in the archive, for example because it has expired. An event for a
point that exists in neither is stored too, because an earlier save may still arrive. If the event
needs a point, its caller gets NotFound nevertheless.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from resume_service.clock import epoch_ms
from resume_service.errors import NotFound, Unavailable
from resume_service.redis.operation import Blocking, Operation
from resume_service.resume.archived_points import ArchivedPoints, PointId
from resume_service.resume.model import Deletion, EventType, Mark, Measurement
from resume_service.resume.store import NO_POINT, ResumeStore

Result = bool | Deletion | Unavailable
"""What Redis says of an event (see `ResumeStore.batch`)."""
NEED_A_POINT = frozenset({EventType.DELETE, EventType.UNWATCHED, EventType.UNDISMISSED})
"""The events of which the caller gets NotFound if there is no point."""
Outcome = bool | NotFound | Unavailable
"""False for a save that does not decide the position, True for any other event that was stored."""


class PointEvents:
    """Every operation needs Redis. It stores events also while the archive does not answer."""

    def __init__(self, points: ResumeStore, archive: ArchivedPoints) -> None:
        self._points = points
        self._archive = archive

    def apply(self, mark: Mark) -> Operation[None]:
        """Store a deletion or a mark.

        Raises Unavailable if Redis fails. Raises NotFound if it needs a point, and there is none.
        """
        result = yield from self._points.mark(mark)
        [outcome] = yield from self._outcomes([mark], [result])
        if isinstance(outcome, Exception):
            raise outcome

    def batch(self, events: Sequence[Measurement | Mark]) -> Operation[list[Outcome]]:
        """Store the events, and return their outcomes in the same order."""
        results = yield from self._points.batch(events)
        return (yield from self._outcomes(events, results))

    def _outcomes(
        self, events: Sequence[Measurement | Mark], results: Sequence[Result]
    ) -> Operation[list[Outcome]]:
        missing = {
            (event.user_id, event.video_id)
            for event, result in zip(events, results, strict=True)
            if _needs_archive(event, result)
        }
        times: Mapping[PointId, datetime] | None = {}
        if missing:
            try:
                times = yield Blocking(lambda: self._archive.times(missing))
            except Unavailable:
                times = None
        return [
            _outcome(event, result, times) for event, result in zip(events, results, strict=True)
        ]


def _outcome(
    event: Measurement | Mark, result: Result, times: Mapping[PointId, datetime] | None
) -> Outcome:
    """`times` are those of archived points. None if the archive does not answer."""
    if not isinstance(result, Deletion):
        return result
    if times is None or not _needs_archive(event, result):
        return True
    archived_at = times.get((event.user_id, event.video_id))
    # The archive may still have a point that an earlier deletion has cancelled.
    exists = archived_at is not None and epoch_ms(archived_at) > result.earlier_ms
    return exists or NotFound(NO_POINT)


def _needs_archive(event: Measurement | Mark, result: Result) -> bool:
    """Return whether only the archive can have the point that the event needs."""
    return (
        isinstance(event, Mark)
        and event.type in NEED_A_POINT
        and isinstance(result, Deletion)
        and not result.existed
    )
