"""What the worker does again and again: restore where Redis has lost its data, then flush."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import structlog

from resume_service.archive.backlog import Backlog
from resume_service.archive.flush import Flush, FlushResult
from resume_service.archive.repository import STATEMENT_SECONDS, ArchiveRepository
from resume_service.archive.restore import Restore
from resume_service.postgres.connections import BoundedConnection, connect
from resume_service.redis.pipeline import Pipeline
from resume_service.redis.servers import connect as redis_servers
from resume_service.resume.bulk_store import BulkStore
from resume_service.resume.keys import Keys
from resume_service.resume.model import Rules
from resume_service.settings import Settings

CONNECT_SECONDS = 3.0
TIMEOUT_SECONDS = STATEMENT_SECONDS + 5.0
"""Beyond the time after which Postgres itself gives a statement up: it may be frozen."""
REDIS_TIMEOUT_MS = 2000
"""No caller waits here, and a Redis that stalls for a moment must not undo half a restore."""

_log = structlog.get_logger(__name__)


class CycleResult(NamedTuple):
    """What a cycle did."""

    restored: int
    flushed: FlushResult


@dataclass(frozen=True, kw_only=True)
class ArchiveCycle:
    """The two stores and what lies between them. Connects when used."""

    database_url: str
    backlog: Backlog
    points: BulkStore
    rules: Rules
    batch: int
    """Points that a transaction carries."""
    clock: Callable[[], datetime]

    @classmethod
    def of(cls, settings: Settings, clock: Callable[[], datetime]) -> ArchiveCycle:
        """The archive that `settings` name; they must name one."""
        if settings.database_url is None:
            raise ValueError("DATABASE_URL is not set")
        servers = redis_servers(
            settings.redis_url, REDIS_TIMEOUT_MS, cluster=settings.redis_cluster
        )
        redis, keys = Pipeline(servers), Keys(hash_tags=settings.redis_cluster)
        rules = Rules.from_settings(settings)
        return cls(
            database_url=settings.database_url,
            backlog=Backlog(redis, keys),
            points=BulkStore(redis, keys, rules),
            rules=rules,
            batch=settings.flush_batch,
            clock=clock,
        )

    def cycle(self, should_stop: Callable[[], bool] = lambda: False) -> CycleResult:
        """Restore if Redis has lost its data, then flush.

        Stops between batches when `should_stop()`. Raises Unavailable, psycopg.Error and OSError.
        """
        with closing(self._connected()) as connection:
            rows, restored = ArchiveRepository(connection), 0
            if not self.backlog.restored():
                restored = self._restore(rows, should_stop, lambda _: None)
                if should_stop():
                    return CycleResult(restored, FlushResult(complete=False))
            return CycleResult(restored, self._flush(rows, should_stop))

    def restore(self, began: Callable[[int], Callable[[int], None]]) -> int:
        """Restore all the same; `began` is told how many points there are to look at."""
        with closing(self._connected()) as connection:
            rows = ArchiveRepository(connection)
            total = rows.count_since(self.clock() - self.rules.ttl)
            self.backlog.set_restored(done=False)
            return self._restore(rows, lambda: False, began(total))

    def _connected(self) -> BoundedConnection:
        return connect(self.database_url, within=CONNECT_SECONDS, timeout=TIMEOUT_SECONDS)

    def _restore(
        self,
        rows: ArchiveRepository,
        should_stop: Callable[[], bool],
        progress: Callable[[int], None],
    ) -> int:
        started = time.perf_counter()
        restore = Restore(rows, self.backlog, self.points, self.rules.ttl, self.batch)
        restored = restore.run(self.clock, should_stop, progress)
        if restored:
            _log.warning("restored", points=restored, seconds=_since(started))
        return restored

    def _flush(self, rows: ArchiveRepository, should_stop: Callable[[], bool]) -> FlushResult:
        started = time.perf_counter()
        done = Flush(rows, self.backlog, self.points, self.batch).run(should_stop)
        if done.archived or done.erased:
            figures = {"archived": done.archived, "erased": done.erased}
            _log.info("flushed", **figures, seconds=_since(started))
        return done


def _since(started: float) -> float:
    return round(time.perf_counter() - started, 3)
