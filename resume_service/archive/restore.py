"""Merges the archive into Redis after Redis has lost its data."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from resume_service.archive.backlog import Backlog
from resume_service.archive.restorable import Restorable
from resume_service.resume.bulk_store import BulkStore
from resume_service.resume.model import PointSettings


class Restore:
    """One restore, with one connection to Postgres.

    It merges each archived point with the events since the loss. So it may run at any time, twice,
    or beside another worker. A point that a user has deleted has a tombstone in Redis. It stays
    deleted even if a worker was frozen and then merges a row that it read before the deletion.
    """

    def __init__(
        self,
        restorable: Restorable,
        backlog: Backlog,
        points: BulkStore,
        settings: PointSettings,
        batch: int,
    ) -> None:
        self._restorable = restorable
        self._backlog = backlog
        self._points = points
        self._settings = settings
        self._batch = batch

    def run(self, should_stop: Callable[[], bool], progress: Callable[[int], None]) -> int:
        """Restore the deletions of the last `ttl`, then the points that arrived in this time.

        Returns the number of points and deletions that Redis lacked, or had in an older version. After
        each batch, calls `progress` with the number of points of the batch. Then calls `should_stop`.
        If `should_stop` returns True, the restore stops, and the next run starts from the beginning.
        Raises Unavailable if Redis fails. Raises psycopg.Error if Postgres fails.
        """
        restored = 0
        tombstones = self._restorable.tombstones(self._batch)
        points = self._restorable.points(self._settings.ttl, self._batch)
        for page in itertools.chain(tombstones, points):
            restored += self._points.merge(page)
            progress(len(page))
            if should_stop():
                return restored
        self._backlog.set_restored(done=True)
        return restored
