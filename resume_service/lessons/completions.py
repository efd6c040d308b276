"""Marks and unmarks completed lessons, and reads a user's progress.

A write holds the user's lock and reads the result in the same transaction. So its response contains
the new progress, and concurrent responses never contradict each other. The number of SQL statements
does not depend on the size of the course.
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
        """Check that the user may mark the lesson.

        Raises, in this order: NotFound, BadRequest (not published), Forbidden (not enrolled),
        PrerequisitesMissing. A completed lesson needs no prerequisites.
        """
        state = self._require_open(user_id, lesson_id, now)
        if state.missing and state.completed_at is None:
            raise PrerequisitesMissing([str(each) for each in state.missing])

    def require_unmarkable(self, user_id: str, lesson_id: UUID, now: datetime) -> None:
        """Same checks as `require_markable`, without the prerequisites."""
        self._require_open(user_id, lesson_id, now)

    def mark(self, user_id: str, lesson_id: UUID, at: datetime, now: datetime) -> MarkResult:
        """Complete a lesson at the time `at`, unless it is already completed. Raises NotFound."""
        to_the_ms = at.replace(microsecond=at.microsecond // 1000 * 1000)
        with self._writing(user_id) as sql:
            sql.execute(queries.COMPLETE, {"user": user_id, "lesson": lesson_id, "at": to_the_ms})
            return _mark_result(sql, user_id, lesson_id, now)

    def unmark(self, user_id: str, lesson_id: UUID, now: datetime) -> MarkResult:
        """Delete the completion of a lesson, if it exists. Raises NotFound."""
        with self._writing(user_id) as sql:
            sql.execute(queries.DELETE_COMPLETION, {"user": user_id, "lesson": lesson_id})
            sql.execute(queries.RECORD_UNMARK, {"user": user_id, "lesson": lesson_id, "at": now})
            return _mark_result(sql, user_id, lesson_id, now)

    def summary(self, user_id: str, now: datetime) -> Progress:
        """The user's progress in the whole course."""
        [(completed, total)] = self._database.rows(queries.SUMMARY, {"user": user_id, "now": now})
        return Progress(completed, total)

    def module(self, user_id: str, module_id: UUID, now: datetime) -> ModuleProgress:
        """Raises NotFound if the user may open no lesson of the module, or it does not exist."""
        rows = self._database.rows(
            queries.MODULE, {"user": user_id, "now": now, "module": module_id}
        )
        may_open = {row.id for row in rows if row.published and row.accessible}
        if not may_open:
            raise NotFound(NO_MODULE)
        visible = [row for row in rows if row.id in may_open or row.completed_at is not None]
        completed = sum(row.completed_at is not None for row in rows)
        return ModuleProgress(
            Progress(completed, sum(row.counts for row in rows)),
            [Completion(row.id, row.completed_at) for row in visible],
        )

    def completed(self, user_id: str) -> Sequence[Completion]:
        """The user's completed lessons, newest first."""
        rows = self._database.rows(queries.COMPLETED, {"user": user_id})
        return [Completion(row.lesson_id, row.completed_at) for row in rows]

    @contextlib.contextmanager
    def _writing(self, user_id: str) -> Iterator[sqlalchemy.Connection]:
        """A transaction with the lock for this user's completions."""
        with self._database.transaction() as sql:
            sql.execute(queries.LOCK_USER, {"user": user_id})
            yield sql

    def _require_open(self, user_id: str, lesson_id: UUID, now: datetime) -> Any:
        """The row of LESSON_STATE for a lesson that is published and accessible."""
        values = {"user": user_id, "now": now, "lesson": lesson_id}
        rows = self._database.rows(queries.LESSON_STATE, values)
        if not rows:
            raise NotFound(NO_LESSON)
        [state] = rows
        if not state.published:
            raise BadRequest("Lesson is not published")
        if not state.accessible:
            raise Forbidden("Not enrolled")
        return state


def _mark_result(
    sql: sqlalchemy.Connection, user_id: str, lesson_id: UUID, now: datetime
) -> MarkResult:
    """The lesson's completion and the user's progress, read in the same transaction."""
    values = {"user": user_id, "now": now, "lesson": lesson_id}
    by_module = sql.execute(queries.MODULE_TOTALS, values).all()
    module = next((row for row in by_module if row.has_this_lesson), None)
    if module is None:
        raise NotFound(NO_LESSON)
    return MarkResult(
        Completion(lesson_id, module.completed_at),
        module.module_id,
        module=Progress(module.completed, module.total),
        overall=Progress(
            sum(row.completed for row in by_module), sum(row.total for row in by_module)
        ),
    )
