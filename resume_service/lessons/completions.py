"""Which lessons each user has completed, and what that comes to.

Every answer is read in the transaction that wrote, while nobody else writes for that user: it is
right at once, and two answers never contradict each other. The number of statements is the same
for every course.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy

from resume_service.errors import BadRequest, Forbidden, NotFound, PrerequisitesMissing
from resume_service.lessons import queries
from resume_service.lessons.model import (
    NO_LESSON,
    NO_MODULE,
    Completion,
    MarkResult,
    ModuleProgress,
    Progress,
)
from resume_service.postgres.database import Database


class Completions:
    """Every method may raise Unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def require_markable(self, user_id: str, lesson_id: UUID, now: datetime) -> None:
        """Raise the first of NotFound, BadRequest (not published), Forbidden (not enrolled) and
        PrerequisitesMissing that holds. What is completed already needs no prerequisites."""
        standing = self._require_open(user_id, lesson_id, now)
        if standing.missing and standing.completed_at is None:
            raise PrerequisitesMissing([str(each) for each in standing.missing])

    def require_unmarkable(self, user_id: str, lesson_id: UUID, now: datetime) -> None:
        """As `require_markable`, but for prerequisites, which unmarking needs none of."""
        self._require_open(user_id, lesson_id, now)

    def mark(self, user_id: str, lesson_id: UUID, at: datetime, now: datetime) -> MarkResult:
        """Complete a lesson as of `at`, unless it is completed already. Raises NotFound."""
        to_the_ms = at.replace(microsecond=at.microsecond // 1000 * 1000)
        with self._writing(user_id) as sql:
            sql.execute(queries.COMPLETE, {"user": user_id, "lesson": lesson_id, "at": to_the_ms})
            return _marked(sql, user_id, lesson_id, now)

    def unmark(self, user_id: str, lesson_id: UUID, now: datetime) -> MarkResult:
        """Take a completion back, if there is one. Raises NotFound."""
        with self._writing(user_id) as sql:
            sql.execute(queries.DELETE_COMPLETION, {"user": user_id, "lesson": lesson_id})
            sql.execute(queries.RECORD_UNMARK, {"user": user_id, "lesson": lesson_id, "at": now})
            return _marked(sql, user_id, lesson_id, now)

    def summary(self, user_id: str, now: datetime) -> Progress:
        """The user's progress in the whole course."""
        [(completed, total)] = self._database.rows(queries.SUMMARY, {"user": user_id, "now": now})
        return Progress(completed, total)

    def module(self, user_id: str, module_id: UUID, now: datetime) -> ModuleProgress:
        """Raises NotFound when there is no such module, or nothing in it that the user may open."""
        rows = self._database.rows(
            queries.MODULE, {"user": user_id, "now": now, "module": module_id}
        )
        may_open = {row.id for row in rows if row.published and row.accessible}
        if not may_open:
            raise NotFound(NO_MODULE)
        shown = [row for row in rows if row.id in may_open or row.completed_at is not None]
        completed = sum(row.completed_at is not None for row in rows)
        return ModuleProgress(
            Progress(completed, sum(row.counts for row in rows)),
            [Completion(row.id, row.completed_at) for row in shown],
        )

    def completed(self, user_id: str) -> Sequence[Completion]:
        """What the user has completed, newest first."""
        found = self._database.rows(queries.COMPLETED, {"user": user_id})
        return [Completion(row.lesson_id, row.completed_at) for row in found]

    @contextlib.contextmanager
    def _writing(self, user_id: str) -> Iterator[sqlalchemy.Connection]:
        """A transaction in which nobody else writes completions of this user."""
        with self._database.transaction() as sql:
            sql.execute(queries.LOCK_USER, {"user": user_id})
            yield sql

    def _require_open(self, user_id: str, lesson_id: UUID, now: datetime) -> Any:
        """How the user stands with a lesson that is there, published and accessible."""
        values = {"user": user_id, "now": now, "lesson": lesson_id}
        found = self._database.rows(queries.LESSON_STATE, values)
        if not found:
            raise NotFound(NO_LESSON)
        [standing] = found
        if not standing.published:
            raise BadRequest("Lesson is not published")
        if not standing.accessible:
            raise Forbidden("Not enrolled")
        return standing


def _marked(sql: sqlalchemy.Connection, user_id: str, lesson_id: UUID, now: datetime) -> MarkResult:
    """How the lesson and its sums stand now."""
    values = {"user": user_id, "now": now, "lesson": lesson_id}
    by_module = sql.execute(queries.MODULE_TOTALS, values).all()
    here = next((row for row in by_module if row.here), None)
    if here is None:
        raise NotFound(NO_LESSON)
    return MarkResult(
        Completion(lesson_id, here.completed_at),
        here.module_id,
        module=Progress(here.completed, here.total),
        overall=Progress(
            sum(row.completed for row in by_module), sum(row.total for row in by_module)
        ),
    )
