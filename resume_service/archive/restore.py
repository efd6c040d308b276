"""Puts back into Redis what the archive has, when Redis has lost its data."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from resume_service.archive.backlog import Backlog
from resume_service.archive.repository import ArchiveRepository
from resume_service.resume.bulk_store import BulkStore


class Restore:
    """No flush may run before it: a deletion is only forgotten once nothing can be put back."""

    def __init__(
        self,
        rows: ArchiveRepository,
        backlog: Backlog,
        points: BulkStore,
        ttl: timedelta,
        batch: int,
    ) -> None:
        self._rows = rows
        self._backlog = backlog
        self._points = points
        self._ttl = ttl
        self._batch = batch

    def run(
        self,
        clock: Callable[[], datetime],
        should_stop: Callable[[], bool],
        progress: Callable[[int], None],
    ) -> int:
        """Put back each archived point that would not have expired; how many Redis did not hold.

        It stops between batches when `should_stop()`, and begins anew the next time. `progress` is told of each batch's number of
        points. Raises Unavailable and psycopg.Error.
        """
        restored = 0
        for page in self._rows.since(clock() - self._ttl, self._batch):
            restored += self._points.restore(page, clock())
            progress(len(page))
            if should_stop():
                return restored
        self._backlog.set_restored(done=True)
        return restored
