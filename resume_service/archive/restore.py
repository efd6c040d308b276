"""Copies archived points back to Redis after Redis has lost its data."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from resume_service.archive.backlog import Backlog
from resume_service.archive.repository import ArchiveRepository
from resume_service.clock import Clock
from resume_service.resume.bulk_store import BulkStore


class Restore:
    """One restore, with one connection to Postgres.

    The restore must finish before a flush runs. The backlog in Redis has an `erased` entry for each
    deleted point that the archive still has. The restore skips points with such an entry. A flush
    removes these entries.
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
        """Restore all archived points that are not older than `ttl`.

        Returns the number of points written to Redis: those that Redis lacked, or had in an older
        version. After each batch, calls `progress` with the number of points of the batch. Then
        calls `should_stop`. If `should_stop` returns True, the restore stops, and the next run
        starts from the beginning. Raises Unavailable if Redis fails. Raises psycopg.Error if
        Postgres fails.
        """
        restored = 0
        for page in self._repository.since(clock() - self._ttl, self._batch):
            restored += self._points.restore(page, clock())
            progress(len(page))
            if should_stop():
                return restored
        self._backlog.set_restored(done=True)
        return restored
