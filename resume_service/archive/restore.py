"""Copies archived points back to Redis after Redis has lost its data."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from resume_service.archive.backlog import Backlog
from resume_service.archive.repository import ArchiveRepository
from resume_service.clock import Clock
from resume_service.resume.bulk_store import BulkStore


class Restore:
    """One restore on one connection.

    It must finish before a flush runs. A flush removes `erased` entries, and only those entries
    prevent the restore of a deleted point.
    """

    def __init__(
        self,
        repository: ArchiveRepository,
        backlog: Backlog,
        points: BulkStore,
        ttl: timedelta,
        batch: int,
    ) -> None:
        self._repository = repository
        self._backlog = backlog
        self._points = points
        self._ttl = ttl
        self._batch = batch

    def run(
        self,
        clock: Clock,
        should_stop: Callable[[], bool],
        progress: Callable[[int], None],
    ) -> int:
        """Restore all archived points that would not have expired in Redis.

        Returns the number of points that were missing in Redis. Stops between batches when
        `should_stop()`; the next run starts from the beginning. Calls `progress` with the number
        of points of each batch. Raises Unavailable and psycopg.Error.
        """
        restored = 0
        for page in self._repository.since(clock() - self._ttl, self._batch):
            restored += self._points.restore(page, clock())
            progress(len(page))
            if should_stop():
                return restored
        self._backlog.set_restored(done=True)
        return restored
