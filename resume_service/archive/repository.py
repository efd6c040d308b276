"""Writes and reads archived points in Postgres, many rows per statement.

One advisory lock in Postgres protects the archive. Only the worker that has the lock may write.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import psycopg
import structlog

from resume_service.postgres import locks
from resume_service.postgres.connections import BoundedConnection
from resume_service.resume.bulk_store import StoredPoint
from resume_service.resume.model import ArchivedPoint, FirstTimes

LOCK_SECONDS = 8
"""Seconds that a worker waits for the lock if another worker has it."""
IDLE_SECONDS = 5
"""Seconds before Postgres ends the session of a worker that hangs inside a transaction.

The end of the session releases the lock. IDLE_SECONDS is shorter than LOCK_SECONDS. So another
worker that waits for the lock gets it before its own wait ends.
"""
STATEMENT_SECONDS = 10
"""Seconds before Postgres cancels a statement."""

BEGIN = """
SELECT set_config('idle_in_transaction_session_timeout', %s, true),
       set_config('statement_timeout', %s, true),
       set_config('lock_timeout', %s, true),
       pg_advisory_xact_lock(%s)
"""

# If the incoming point is older than the archived point, the statement changes only `watched`,
# `watched_at`, `completed_at` and `archived_at`.
UPSERT = """
WITH incoming AS (
  SELECT * FROM unnest(%s::text[], %s::text[], %s::float8[], %s::timestamptz[], %s::float8[],
                       %s::float8[], %s::boolean[], %s::timestamptz[], %s::boolean[],
                       %s::timestamptz[])
    AS point(user_id, video_id, position, updated_at, duration, percent, watched, watched_at,
             completed, completed_at)
), archived AS (
  INSERT INTO watch_archive AS stored
    (user_id, video_id, position, updated_at, duration, percent, watched, watched_at, completed,
     completed_at)
  SELECT user_id, video_id, position, updated_at, duration, percent, coalesce(watched, false),
         watched_at, coalesce(completed, false), completed_at
    FROM incoming
  ON CONFLICT (user_id, video_id) DO UPDATE SET
    (position, duration, percent, completed, updated_at) = ROW(
      CASE WHEN excluded.updated_at >= stored.updated_at THEN excluded.position ELSE stored.position END,
      CASE WHEN excluded.updated_at >= stored.updated_at THEN excluded.duration ELSE stored.duration END,
      CASE WHEN excluded.updated_at >= stored.updated_at THEN excluded.percent ELSE stored.percent END,
      CASE WHEN excluded.updated_at >= stored.updated_at THEN excluded.completed ELSE stored.completed END,
      greatest(excluded.updated_at, stored.updated_at)
    ),
    watched = stored.watched OR excluded.watched,
    watched_at = least(stored.watched_at, excluded.watched_at),
    completed_at = least(stored.completed_at, excluded.completed_at),
    archived_at = now()
  RETURNING user_id, video_id, watched_at, completed_at
)
SELECT user_id, video_id, incoming.updated_at, archived.watched_at, archived.completed_at
  FROM archived JOIN incoming USING (user_id, video_id)
 WHERE (archived.watched_at, archived.completed_at)
       IS DISTINCT FROM (incoming.watched_at, incoming.completed_at)
"""

ERASE = """
DELETE FROM watch_archive USING unnest(%s::text[], %s::text[]) AS erased(user_id, video_id)
 WHERE (watch_archive.user_id, watch_archive.video_id) = (erased.user_id, erased.video_id)
"""

# A restore starts with the newest points, because the viewers who are active now need these points.
PAGE = """
SELECT user_id, video_id, position, updated_at, duration, percent, watched, watched_at, completed,
       completed_at
  FROM watch_archive
 WHERE updated_at > %(since)s
   AND (updated_at, user_id, video_id) < (%(until)s, %(user_id)s, %(video_id)s)
 ORDER BY updated_at DESC, user_id DESC, video_id DESC
 LIMIT %(page_size)s
"""
COUNT = "SELECT count(*) FROM watch_archive WHERE updated_at > %s"

INVALID = (psycopg.DataError, psycopg.IntegrityError)
"""Errors of Postgres for a point with values that the archive can't store."""

_log = structlog.get_logger(__name__)


class ArchiveRepository:
    """The archive, used through one connection. Every method may raise psycopg.Error."""

    def __init__(self, connection: BoundedConnection) -> None:
        self._connection = connection

    def begin(self) -> None:
        """Begin a transaction and take the lock of the archive.

        Raises psycopg.errors.LockNotAvailable if another worker has the lock for LOCK_SECONDS.
        """
        timeouts = [f"{seconds}s" for seconds in (IDLE_SECONDS, STATEMENT_SECONDS, LOCK_SECONDS)]
        self._connection.execute(BEGIN, (*timeouts, locks.ARCHIVE))

    def commit(self) -> None:
        self._connection.commit()

    def upsert(self, points: Sequence[StoredPoint]) -> list[FirstTimes]:
        """Archive `points`.

        The archive stores when a user first watched and first completed a video. If these times
        differ from the times in a given point, the result contains the times from the archive.
        """
        if not points:
            return []
        try:
            with self._connection.transaction():
                return self._upsert(points)
        except INVALID:
            return self._upsert_one_by_one(points)

    def erase(self, points: Sequence[StoredPoint]) -> None:
        """Delete the rows of `points`, if they exist."""
        if points:
            ids = ([point.user_id for point in points], [point.video_id for point in points])
            self._connection.execute(ERASE, ids)

    def since(self, moment: datetime, page_size: int) -> Iterator[list[ArchivedPoint]]:
        """Pages of at most `page_size` points that were updated after `moment`, newest first.

        Each page has its own transaction. The transaction ends when the caller takes the next page.
        """
        last = (datetime.max.replace(tzinfo=moment.tzinfo), "", "")
        while True:
            self.begin()
            names = dict(zip(("until", "user_id", "video_id"), last, strict=True))
            page = self._connection.execute(PAGE, {"since": moment, "page_size": page_size} | names)
            points = [ArchivedPoint(*row) for row in page.fetchall()]
            if points:
                yield points
            self.commit()
            if len(points) < page_size:
                return
            last = (points[-1].updated_at, points[-1].user_id, points[-1].video_id)

    def count_since(self, moment: datetime) -> int:
        """The number of points that were updated after `moment`."""
        ((count,),) = self._connection.execute(COUNT, (moment,)).fetchall()
        self._connection.commit()
        return int(count)

    def _upsert(self, points: Sequence[StoredPoint]) -> list[FirstTimes]:
        columns = [list(column) for column in zip(*points, strict=True)]
        return [FirstTimes(*row) for row in self._connection.execute(UPSERT, columns).fetchall()]

    def _upsert_one_by_one(self, points: Sequence[StoredPoint]) -> list[FirstTimes]:
        """Archive the valid points and log the invalid points.

        So one invalid hash in Redis does not prevent the archiving of the whole batch.
        """
        first_times = []
        for point in points:
            try:
                with self._connection.transaction():
                    first_times += self._upsert([point])
            except INVALID as fault:
                _log.error(
                    "not a point", user=point.user_id, video=point.video_id, fault=str(fault)
                )
        return first_times
