"""One cycle of the worker: restore if Redis has lost its data, then flush.

A restore copies archived points from Postgres to Redis. A flush copies new points from Redis to
Postgres.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import NamedTuple

import structlog

from resume_service.archive.backlog import Backlog
from resume_service.archive.flush import Flush, FlushResult
from resume_service.archive.repository import STATEMENT_SECONDS, ArchiveRepository
from resume_service.archive.restorable import Restorable
from resume_service.archive.restore import Restore
from resume_service.clock import Clock
from resume_service.postgres.connections import BoundedConnection, connect
from resume_service.redis.pipeline import Pipeline
from resume_service.redis.servers import connect as redis_servers
from resume_service.resume.bulk_store import BulkStore
from resume_service.resume.keys import Keys
from resume_service.resume.model import PointSettings
from resume_service.settings import Settings

CONNECT_SECONDS = 3.0
"""Maximum seconds to connect to Postgres."""
TIMEOUT_SECONDS = STATEMENT_SECONDS + 5.0
"""Seconds to wait for each reply of Postgres.

Postgres cancels a slow statement earlier, after STATEMENT_SECONDS. A frozen server can't do that.
"""
REDIS_TIMEOUT_MS = 2000
"""Milliseconds to wait for each reply of Redis.

This timeout is longer than the timeout of requests, because no client waits for the worker. So a
short delay does not abort a restore.
"""

EXPIRE_BATCH = 10_000
"""Maximum number of expired tombstones to delete per transaction."""

_log = structlog.get_logger(__name__)


class CycleResult(NamedTuple):
    """The number of points that a cycle restored, and the result of the flush."""

    restored: int
    flushed: FlushResult


@dataclass(frozen=True, kw_only=True)
class ArchiveCycle:
    """Restores and flushes points. Each call opens a new connection to Postgres."""

    database_url: str
    backlog: Backlog
    points: BulkStore
    point_settings: PointSettings
    batch: int
    """Maximum number of points per transaction."""

    @classmethod
    def of(cls, settings: Settings, clock: Clock) -> ArchiveCycle:
        """The archive at DATABASE_URL. Raises ValueError if DATABASE_URL is not set.

        Only tests pass another clock than `system_clock`. Otherwise the clock of Redis decides.
        """
        if settings.database_url is None:
            raise ValueError("DATABASE_URL is not set")
        servers = redis_servers(
            settings.redis_url, REDIS_TIMEOUT_MS, cluster=settings.redis_cluster
        )
        redis, keys = Pipeline(servers), Keys(hash_tags=settings.redis_cluster)
        point_settings = PointSettings.from_settings(settings)
        return cls(
            database_url=settings.database_url,
            backlog=Backlog(redis, keys),
            points=BulkStore(redis, keys, point_settings, clock),
            point_settings=point_settings,
            batch=settings.flush_batch,
        )

    def cycle(self, should_stop: Callable[[], bool] = lambda: False) -> CycleResult:
        """Restore if Redis has lost its data, then flush.

        Calls `should_stop` between two batches, and stops if it returns True. Raises Unavailable if
        Redis fails. Raises psycopg.Error or OSError if Postgres fails.
        """
        with closing(self._connect()) as connection:
            repository, restored = ArchiveRepository(connection), 0
            if not self.backlog.restored():
                restored = self._restore(Restorable(connection), should_stop, lambda _: None)
                if should_stop():
                    return CycleResult(restored, FlushResult(complete=False))
            return CycleResult(restored, self._flush(repository, should_stop))

    def restore(self, start_progress: Callable[[int], Callable[[int], None]]) -> int:
        """Restore even if Redis has not lost its data. Returns the number of restored points.

        Calls `start_progress` with the number of archived points to copy. `start_progress` returns a
        function. The restore calls this function after each batch, with the batch's number of points.
        Raises Unavailable if Redis fails. Raises psycopg.Error or OSError if Postgres fails.
        """
        with closing(self._connect()) as connection:
            restorable = Restorable(connection)
            total = restorable.count(self.point_settings.ttl)
            self.backlog.set_restored(done=False)
            return self._restore(restorable, lambda: False, start_progress(total))

    def _connect(self) -> BoundedConnection:
        return connect(self.database_url, within=CONNECT_SECONDS, timeout=TIMEOUT_SECONDS)

    def _restore(
        self,
        restorable: Restorable,
        should_stop: Callable[[], bool],
        progress: Callable[[int], None],
    ) -> int:
        started = time.perf_counter()
        restore = Restore(restorable, self.backlog, self.points, self.point_settings, self.batch)
        restored = restore.run(should_stop, progress)
        if restored:
            _log.warning("restored", points=restored, seconds=_seconds_since(started))
        return restored

    def _flush(self, repository: ArchiveRepository, should_stop: Callable[[], bool]) -> FlushResult:
        started = time.perf_counter()
        flush = Flush(repository, self.backlog, self.points, self.point_settings, self.batch)
        result = flush.run(should_stop)
        if result.complete:
            _expire_tombstones(repository, should_stop)
        if result.archived or result.erased:
            counts = {"archived": result.archived, "erased": result.erased}
            _log.info("flushed", **counts, seconds=_seconds_since(started))
        return result


def _expire_tombstones(repository: ArchiveRepository, should_stop: Callable[[], bool]) -> None:
    """Delete expired tombstones, in transactions of EXPIRE_BATCH."""
    while True:
        repository.begin()
        expired = repository.expire_tombstones(EXPIRE_BATCH)
        repository.commit()
        if expired < EXPIRE_BATCH or should_stop():
            return


def _seconds_since(started: float) -> float:
    return round(time.perf_counter() - started, 3)
