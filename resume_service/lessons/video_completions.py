"""Viewings complete lessons: who has watched a lesson's video to its end has completed the lesson.

The worker looks after each flush at what may have changed that: viewings archived, prerequisites
completed, enrolments and lessons changed since it looked last, and a little before, for what was
not yet committed then. Looking twice marks nothing twice, so it may die at any instruction.
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
from resume_service.lessons import queries, video_completion_queries
from resume_service.lessons.tables import lesson_progress, lessons, lessons_looked
from resume_service.postgres.database import Database

LOCK = 7_236_450_224
"""Of Postgres' advisory locks: one worker at a time looks."""
TIMEOUT_SECONDS = 30.0
BATCH = 500
"""Completions a transaction: it holds a lock for each user in it."""
MAX_BATCHES = 40
"""A cycle. What is left then is found by the next one."""
OVERLAP = timedelta(minutes=1)
"""Longer than any transaction that writes what is looked at."""

_log = structlog.get_logger(__name__)


class VideoCompletions:
    """From the archive's rows to completions, in Postgres alone."""

    def __init__(
        self, database: Database, clock: Callable[[], datetime], batch: int = BATCH
    ) -> None:
        self._database = database
        self._clock = clock
        self._batch = batch

    @classmethod
    def at(cls, url: str, clock: Callable[[], datetime]) -> VideoCompletions:
        return cls(Database(url, timeout=TIMEOUT_SECONDS), clock)

    def run(self, should_stop: Callable[[], bool] = lambda: False) -> int:
        """Complete what viewings have come to complete; how many. Raises Unavailable.

        Stops between batches when `should_stop()`.
        """
        begun = self._begin()
        if begun is None:
            return 0
        since, now = begun
        completed = 0
        for _ in range(MAX_BATCHES):
            if should_stop():
                break
            marked = self._step(since)
            if marked is None:
                self._end(now)
                break
            completed += marked
        if completed:
            _log.info("lessons completed by viewings", completed=completed)
        return completed

    def close(self) -> None:
        self._database.close()

    def _begin(self) -> tuple[datetime | None, datetime] | None:
        """Since when to look (None: ever), and Postgres' time; None when no lesson names a video."""
        until = select(lessons_looked.c.until).scalar_subquery()
        names_a_video = exists().where(lessons.c.video_id.is_not(None))
        for looked_until, now in self._database.rows(
            select(until, func.now()).where(names_a_video)
        ):
            return (looked_until - OVERLAP if looked_until else None), now
        return None

    def _step(self, since: datetime | None) -> int | None:
        """Complete a batch; how many, or None when there is nothing left to complete."""
        now = self._clock()
        with self._database.transaction() as sql:
            sql.execute(_lock_workers())
            found = sql.execute(
                video_completion_queries.candidates(since, now).limit(self._batch)
            ).all()
            if not found:
                return None
            # From here on none of these users marks or unmarks by hand; who has, since, is seen.
            users = [row.user_id for row in found]
            sql.execute(_USERS_LOCKED, {"lock": queries.LOCK, "users": users})
            still = video_completion_queries.eligible(
                video_completion_queries.VIEWINGS,
                now,
                tuple_(watch_archive.c.user_id, lessons.c.id).in_([row[:2] for row in found]),
            )
            names = ["user_id", "lesson_id", "completed_at"]
            marked = insert(lesson_progress).from_select(names, still).on_conflict_do_nothing()
            return len(sql.execute(marked.returning(lesson_progress.c.lesson_id)).all())

    def _end(self, until: datetime) -> None:
        looked = insert(lessons_looked).values(one=True, until=until)
        with self._database.transaction() as sql:
            sql.execute(looked.on_conflict_do_update(index_elements=["one"], set_={"until": until}))


def _lock_workers() -> Select[Any]:
    return select(
        func.set_config(
            "idle_in_transaction_session_timeout", f"{queries.IDLE_SECONDS}s", sqlalchemy.true()
        ),
        func.pg_advisory_xact_lock(LOCK),
    )


_USERS_LOCKED = sqlalchemy.text(
    "SELECT pg_advisory_xact_lock(:lock, hash) FROM (SELECT DISTINCT hashtext(id) AS hash"
    " FROM unnest(CAST(:users AS text[])) AS id ORDER BY 1) AS hashes"
)
"""Takes the lock of each user, in one order, as `Completions` does for one."""
