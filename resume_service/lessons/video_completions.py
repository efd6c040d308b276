"""Completes a lesson for each user who has watched the video of the lesson to its end.

The worker runs this module after each flush, which copies points from Redis to the archive. A run
checks the changes since the last run: archived points, completed prerequisites, enrollments and
lessons. A run also checks the minute before the end of the last run (OVERLAP). The last run could
not see changes in that minute that were not committed yet.

It does no harm to check a change twice, because the second check changes nothing. So a run may also
crash at any instruction.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy
import structlog
from sqlalchemy import Select, exists, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from resume_service.archive.tables import watch_archive
from resume_service.clock import Clock
from resume_service.lessons import queries, video_completion_queries
from resume_service.lessons.tables import lesson_progress, lessons, lessons_looked
from resume_service.postgres import locks
from resume_service.postgres.database import Database

TIMEOUT_SECONDS = 30.0
"""Maximum seconds to wait for Postgres."""
BATCH = 500
"""Maximum number of completions per transaction. The transaction locks the users concerned."""
MAX_BATCHES = 40
"""Maximum number of batches per run. The next run completes the remaining lessons."""
OVERLAP = timedelta(minutes=1)
"""Longer than any transaction that changes a table which a run reads."""

_log = structlog.get_logger(__name__)


class VideoCompletions:
    """Reads archived points and writes completions. Uses Postgres, but not Redis."""

    def __init__(self, database: Database, clock: Clock, batch: int = BATCH) -> None:
        self._database = database
        self._clock = clock
        self._batch = batch

    @classmethod
    def at(cls, url: str, clock: Clock) -> VideoCompletions:
        return cls(Database(url, timeout=TIMEOUT_SECONDS), clock)

    def run(self, should_stop: Callable[[], bool] = lambda: False) -> int:
        """Complete lessons. Returns the number of completions.

        Calls `should_stop` before each batch, and stops if it returns True. Raises Unavailable if
        Postgres fails.
        """
        interval = self._interval()
        if interval is None:
            return 0
        since, until = interval
        completed = 0
        for _ in range(MAX_BATCHES):
            if should_stop():
                break
            batch = self._complete_batch(since)
            if batch is None:
                self._save_end(until)
                break
            completed += batch
        if completed:
            _log.info("lessons completed by viewings", completed=completed)
        return completed

    def close(self) -> None:
        self._database.close()

    def _interval(self) -> tuple[datetime | None, datetime] | None:
        """The start and the end of the period to check, by the clock of Postgres.

        The start is None in the first run, which checks all changes. The result is None if no lesson
        has a video.
        """
        last_end = select(lessons_looked.c.until).scalar_subquery()
        has_video = exists().where(lessons.c.video_id.is_not(None))
        for since, now in self._database.rows(select(last_end, func.now()).where(has_video)):
            return (since - OVERLAP if since else None), now
        return None

    def _complete_batch(self, since: datetime | None) -> int | None:
        """Complete at most `batch` lessons.

        Returns the number of completions. Returns None if no lesson is left to complete.
        """
        now = self._clock()
        with self._database.transaction() as sql:
            sql.execute(_lock_workers())
            candidates = sql.execute(
                video_completion_queries.candidates(since, now).limit(self._batch)
            ).all()
            if not candidates:
                return None
            # Since the query, a user may have marked a lesson or removed a mark. So lock the users,
            # then check the candidates again.
            users = [row.user_id for row in candidates]
            sql.execute(_LOCK_USERS, {"lock": locks.USER_LESSONS, "users": users})
            still_eligible = video_completion_queries.eligible(
                video_completion_queries.VIEWINGS,
                now,
                tuple_(watch_archive.c.user_id, lessons.c.id).in_([row[:2] for row in candidates]),
            )
            names = ["user_id", "lesson_id", "completed_at"]
            complete = insert(lesson_progress).from_select(names, still_eligible)
            inserted = complete.on_conflict_do_nothing().returning(lesson_progress.c.lesson_id)
            return len(sql.execute(inserted).all())

    def _save_end(self, until: datetime) -> None:
        """Store the end of the checked period. The next run starts there."""
        row = insert(lessons_looked).values(one=True, until=until)
        with self._database.transaction() as sql:
            sql.execute(row.on_conflict_do_update(index_elements=["one"], set_={"until": until}))


def _lock_workers() -> Select[Any]:
    """Locks out other workers until the transaction ends."""
    return select(
        func.set_config(
            "idle_in_transaction_session_timeout", f"{queries.IDLE_SECONDS}s", sqlalchemy.true()
        ),
        func.pg_advisory_xact_lock(locks.VIDEO_COMPLETIONS),
    )


_LOCK_USERS = sqlalchemy.text(
    "SELECT pg_advisory_xact_lock(:lock, hash) FROM (SELECT DISTINCT hashtext(id) AS hash"
    " FROM unnest(CAST(:users AS text[])) AS id ORDER BY 1) AS hashes"
)
"""Takes the lock of each user. `Completions` takes the same lock for one user.

The transaction takes the locks in a fixed order, which prevents deadlocks.
"""
