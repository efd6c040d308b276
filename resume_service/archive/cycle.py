"""What the worker does again and again: restore where Redis has lost its data, then flush."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import structlog

from resume_service.archive.backlog import Marks
from resume_service.archive.flush import Flush, Flushed
from resume_service.archive.repository import STATEMENT_SECONDS, Rows
from resume_service.archive.restore import Restore
from resume_service.postgres.connections import BoundedConnection, connect
from resume_service.redis.pipeline import RedisBatches
from resume_service.redis.servers import connect as redis_servers
from resume_service.resume.bulk_store import LivePoints
from resume_service.resume.keys import Keys
from resume_service.resume.model import Rules
from resume_service.settings import Settings

CONNECT_SECONDS = 3.0
PATIENCE_SECONDS = STATEMENT_SECONDS + 5.0
"""Beyond the time after which Postgres itself gives a statement up: it may be frozen."""
REDIS_PATIENCE_MS = 2000
"""No caller waits here, and a Redis that stalls for a moment must not undo half a restore."""

_log = structlog.get_logger(__name__)


class Done(NamedTuple):
    """What a cycle did."""

    restored: int
    flushed: Flushed


@dataclass(frozen=True, kw_only=True)
class Archive:
    """The two stores and what lies between them. Connects when used."""

    database_url: str
    marks: Marks
    points: LivePoints
    rules: Rules
    batch: int
    """Points that a transaction carries."""
    clock: Callable[[], datetime]

    @classmethod
    def of(cls, settings: Settings, clock: Callable[[], datetime]) -> Archive:
        """The archive that `settings` name; they must name one."""
        if settings.database_url is None:
            raise ValueError("DATABASE_URL is not set")
        servers = redis_servers(
            settings.redis_url, REDIS_PATIENCE_MS, cluster=settings.redis_cluster
        )
        redis, keys = RedisBatches(servers), Keys(hash_tags=settings.redis_cluster)
        rules = Rules.from_settings(settings)
        return cls(
            database_url=settings.database_url,
            marks=Marks(redis, keys),
            points=LivePoints(redis, keys, rules),
            rules=rules,
            batch=settings.flush_batch,
            clock=clock,
        )

    def cycle(self, is_over: Callable[[], bool] = lambda: False) -> Done:
        """Restore if Redis has lost its data, then flush.

        Stops between batches when `is_over()`. Raises Unavailable, psycopg.Error and OSError.
        """
        with closing(self._connected()) as connection:
            rows, restored = Rows(connection), 0
            if not self.marks.restored():
                restored = self._restore(rows, is_over, lambda _: None)
                if is_over():
                    return Done(restored, Flushed(complete=False))
            return Done(restored, self._flush(rows, is_over))

    def restore(self, began: Callable[[int], Callable[[int], None]]) -> int:
        """Restore all the same; `began` is told how many points there are to look at."""
        with closing(self._connected()) as connection:
            rows = Rows(connection)
            total = rows.count_since(self.clock() - self.rules.ttl)
            self.marks.set_restored(done=False)
            return self._restore(rows, lambda: False, began(total))

    def _connected(self) -> BoundedConnection:
        return connect(self.database_url, within=CONNECT_SECONDS, patience=PATIENCE_SECONDS)

    def _restore(
        self, rows: Rows, is_over: Callable[[], bool], progress: Callable[[int], None]
    ) -> int:
        started = time.perf_counter()
        restore = Restore(rows, self.marks, self.points, self.rules.ttl, self.batch)
        restored = restore.run(self.clock, is_over, progress)
        if restored:
            _log.warning("restored", points=restored, seconds=_since(started))
        return restored

    def _flush(self, rows: Rows, is_over: Callable[[], bool]) -> Flushed:
        started = time.perf_counter()
        done = Flush(rows, self.marks, self.points, self.batch).run(is_over)
        if done.archived or done.erased:
            figures = {"archived": done.archived, "erased": done.erased}
            _log.info("flushed", **figures, seconds=_since(started))
        return done


def _since(started: float) -> float:
    return round(time.perf_counter() - started, 3)
