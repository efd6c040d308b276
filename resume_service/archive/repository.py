"""The archive's rows in Postgres, as the worker writes and reads them: sets at a time, never one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import psycopg
import structlog

from resume_service.postgres.connections import BoundedConnection
from resume_service.resume.bulk_store import StoredPoint
from resume_service.resume.model import ArchivedPoint, FirstTimes

LOCK = 7_236_450_222
"""Of Postgres' advisory locks: whoever holds it reads Redis and writes the archive alone."""
LOCK_SECONDS = 8
"""For which a worker waits for another one that flushes."""
IDLE_SECONDS = 5
"""After which a worker that stands still in its transaction loses session and lock. Below the wait
for the lock, so that the next worker takes over in the same cycle."""
STATEMENT_SECONDS = 10

BEGIN = """
SELECT set_config('idle_in_transaction_session_timeout', %s, true),
       set_config('statement_timeout', %s, true),
       set_config('lock_timeout', %s, true),
       pg_advisory_xact_lock(%s)
"""

# An older point changes nothing but what is kept for good. Rows go in by their key, so that no two
# processes that write ever wait for each other in a circle.
UPSERT = """
WITH seen AS (
  SELECT * FROM unnest(%s::text[], %s::text[], %s::float8[], %s::timestamptz[], %s::float8[],
                       %s::float8[], %s::boolean[], %s::timestamptz[], %s::boolean[],
                       %s::timestamptz[])
    AS point(user_id, video_id, position, updated_at, duration, percent, watched, watched_at,
             completed, completed_at)
), archived AS (
  INSERT INTO watch_archive AS kept
    (user_id, video_id, position, updated_at, duration, percent, watched, watched_at, completed,
     completed_at)
  SELECT user_id, video_id, position, updated_at, duration, percent, coalesce(watched, false),
         watched_at, coalesce(completed, false), completed_at
    FROM seen
  ON CONFLICT (user_id, video_id) DO UPDATE SET
    (position, duration, percent, completed, updated_at) = ROW(
      CASE WHEN excluded.updated_at >= kept.updated_at THEN excluded.position ELSE kept.position END,
      CASE WHEN excluded.updated_at >= kept.updated_at THEN excluded.duration ELSE kept.duration END,
      CASE WHEN excluded.updated_at >= kept.updated_at THEN excluded.percent ELSE kept.percent END,
      CASE WHEN excluded.updated_at >= kept.updated_at THEN excluded.completed ELSE kept.completed END,
      greatest(excluded.updated_at, kept.updated_at)
    ),
    watched = kept.watched OR excluded.watched,
    watched_at = least(kept.watched_at, excluded.watched_at),
    completed_at = least(kept.completed_at, excluded.completed_at),
    archived_at = now()
  RETURNING user_id, video_id, watched_at, completed_at
)
SELECT user_id, video_id, seen.updated_at, archived.watched_at, archived.completed_at
  FROM archived JOIN seen USING (user_id, video_id)
 WHERE (archived.watched_at, archived.completed_at)
       IS DISTINCT FROM (seen.watched_at, seen.completed_at)
"""

ERASE = """
DELETE FROM watch_archive USING unnest(%s::text[], %s::text[]) AS erased(user_id, video_id)
 WHERE (watch_archive.user_id, watch_archive.video_id) = (erased.user_id, erased.video_id)
"""

# Newest first: who watched a moment ago has their place back first.
PAGE = """
SELECT user_id, video_id, position, updated_at, duration, percent, watched, watched_at, completed,
       completed_at
  FROM watch_archive
 WHERE updated_at > %(since)s
   AND (updated_at, user_id, video_id) < (%(until)s, %(user_id)s, %(video_id)s)
 ORDER BY updated_at DESC, user_id DESC, video_id DESC
 LIMIT %(most)s
"""
COUNT = "SELECT count(*) FROM watch_archive WHERE updated_at > %s"

_log = structlog.get_logger(__name__)


class ArchiveRepository:
    """The archive on one connection. Every method may raise psycopg.Error."""

    def __init__(self, connection: BoundedConnection) -> None:
        self._connection = connection

    def begin(self) -> None:
        """Begin a transaction, alone among all workers.

        Raises psycopg.errors.LockNotAvailable when another one flushes for too long.
        """
        limits = [f"{seconds}s" for seconds in (IDLE_SECONDS, STATEMENT_SECONDS, LOCK_SECONDS)]
        self._connection.execute(BEGIN, (*limits, LOCK))

    def commit(self) -> None:
        self._connection.commit()

    def upsert(self, points: Sequence[StoredPoint]) -> list[FirstTimes]:
        """Archive `points`; what the archive knew of them that they did not."""
        if not points:
            return []
        try:
            with self._connection.transaction():
                return self._upsert(points)
        except psycopg.DataError:
            return self._upsert_one_by_one(points)

    def erase(self, points: Sequence[StoredPoint]) -> None:
        """Delete the rows of `points`, where they have one."""
        if points:
            ids = ([point.user_id for point in points], [point.video_id for point in points])
            self._connection.execute(ERASE, ids)

    def since(self, moment: datetime, most: int) -> Iterator[list[ArchivedPoint]]:
        """The points updated after `moment`, newest first, `most` at a time.

        Each page is read in a transaction of its own, which stays open until the next is asked for.
        """
        last = (datetime.max.replace(tzinfo=moment.tzinfo), "", "")
        while True:
            self.begin()
            names = dict(zip(("until", "user_id", "video_id"), last, strict=True))
            page = self._connection.execute(PAGE, {"since": moment, "most": most} | names)
            points = [ArchivedPoint(*row) for row in page.fetchall()]
            if points:
                yield points
            self.commit()
            if len(points) < most:
                return
            last = (points[-1].updated_at, points[-1].user_id, points[-1].video_id)

    def count_since(self, moment: datetime) -> int:
        """How many points were updated after `moment`."""
        ((counted,),) = self._connection.execute(COUNT, (moment,)).fetchall()
        self._connection.commit()
        return int(counted)

    def _upsert(self, points: Sequence[StoredPoint]) -> list[FirstTimes]:
        columns = [list(column) for column in zip(*points, strict=True)]
        return [FirstTimes(*row) for row in self._connection.execute(UPSERT, columns).fetchall()]

    def _upsert_one_by_one(self, points: Sequence[StoredPoint]) -> list[FirstTimes]:
        """All but those that are no points: a hash that somebody else wrote must not hold up all."""
        first_times = []
        for point in points:
            try:
                with self._connection.transaction():
                    first_times += self._upsert([point])
            except psycopg.DataError as fault:
                _log.error(
                    "not a point", user=point.user_id, video=point.video_id, fault=str(fault)
                )
        return first_times
