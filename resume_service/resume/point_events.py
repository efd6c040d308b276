"""Deletions, marks and batches: stores them in Redis, and says whether the point existed.

A point exists in Redis, or only in the archive, for example because it has expired. An event for a
point that exists in neither is stored too, because an earlier save may still arrive. If the event
needs a point, its caller gets NotFound nevertheless.
"""

from __future__ import annotations

from collections.abc import Sequence

from resume_service.clock import epoch_ms
from resume_service.errors import NotFound, Unavailable
from resume_service.redis.operation import Blocking, Operation
from resume_service.resume.archived_points import ArchivedPoints
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
        try:
            times = (yield Blocking(lambda: self._archive.times(missing))) if missing else {}
        except Unavailable:
            times = None  # the events reach the archive when it is back
        outcomes: list[Outcome] = []
        for event, result in zip(events, results, strict=True):
            if isinstance(result, bool | Unavailable):
                outcomes.append(result)
            elif times is None or not _needs_archive(event, result):
                outcomes.append(True)
            else:
                archived_at = times.get((event.user_id, event.video_id))
                # A deletion before this one may not have reached the archive yet.
                exists = archived_at is not None and epoch_ms(archived_at) > result.earlier_ms
                outcomes.append(exists or NotFound(NO_POINT))
        return outcomes


def _needs_archive(event: Measurement | Mark, result: Result) -> bool:
    """Return whether only the archive can have the point that the event needs."""
    return (
        isinstance(event, Mark)
        and event.type in NEED_A_POINT
        and isinstance(result, Deletion)
        and not result.existed
    )
