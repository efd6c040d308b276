"""Marks lessons as completed, removes such marks, and reads the progress of a user.

A write first locks the completions of the user, and reads the new progress in the same transaction.
So concurrent writes of a user run one after the other, and each response contains the new progress.
The number of SQL statements does not depend on the number of lessons.

`eligibility` explains the terms accessible, locked and total.
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
    """The completed lessons and the progress of users. Every method may raise Unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def require_markable(self, user_id: str, lesson_id: UUID, now: datetime) -> None:
        """Check that the user may mark the lesson as completed. `now` is the current time.

        Raises the first of these errors that applies:
        NotFound if the lesson does not exist. BadRequest if the lesson is not published.
        Forbidden if the lesson is not accessible. PrerequisitesMissing if the lesson is locked and
        not completed.
        """
        state = self._require_available(user_id, lesson_id, now)
        if state.missing and state.completed_at is None:
            raise PrerequisitesMissing([str(each) for each in state.missing])

    def require_unmarkable(self, user_id: str, lesson_id: UUID, now: datetime) -> None:
        """Check that the user may remove the mark of the lesson.

        Raises the same errors as `require_markable`, except PrerequisitesMissing.
        """
        self._require_available(user_id, lesson_id, now)

    def mark(self, user_id: str, lesson_id: UUID, at: datetime, now: datetime) -> MarkResult:
        """Store `at` as the time when the user completed the lesson.

        If the lesson is already completed, the stored time does not change. Raises NotFound if the
        lesson does not exist.
        """
        at_in_ms = at.replace(microsecond=at.microsecond // 1000 * 1000)
        with self._writing(user_id) as sql:
            sql.execute(queries.COMPLETE, {"user": user_id, "lesson": lesson_id, "at": at_in_ms})
            return _mark_result(sql, user_id, lesson_id, now)

    def unmark(self, user_id: str, lesson_id: UUID, now: datetime) -> MarkResult:
        """Delete the completion of a lesson, if it exists.

        Also stores `now` as the time of the removal. The worker does not complete the lesson again
        if the user watched the video to its end before `now`. Raises NotFound if the lesson does
        not exist.
        """
        with self._writing(user_id) as sql:
            sql.execute(queries.DELETE_COMPLETION, {"user": user_id, "lesson": lesson_id})
            sql.execute(queries.RECORD_UNMARK, {"user": user_id, "lesson": lesson_id, "at": now})
            return _mark_result(sql, user_id, lesson_id, now)

    def summary(self, user_id: str, now: datetime) -> Progress:
        """The user's progress in the whole course."""
        [(completed, total)] = self._database.rows(queries.SUMMARY, {"user": user_id, "now": now})
        return Progress(completed, total)

    def module(self, user_id: str, module_id: UUID, now: datetime) -> ModuleProgress:
        """The user's progress in one module.

        Raises NotFound if the module does not exist, or if none of its lessons is both published and
        accessible.
        """
        rows = self._database.rows(
            queries.MODULE, {"user": user_id, "now": now, "module": module_id}
        )
        available_ids = {row.id for row in rows if row.published and row.accessible}
        if not available_ids:
            raise NotFound(NO_MODULE)
        visible = [row for row in rows if row.id in available_ids or row.completed_at is not None]
        completed = sum(row.completed_at is not None for row in rows)
        return ModuleProgress(
            Progress(completed, sum(row.in_total for row in rows)),
            [Completion(row.id, row.completed_at) for row in visible],
        )

    def completed(self, user_id: str) -> Sequence[Completion]:
        """The user's completed lessons, newest first."""
        rows = self._database.rows(queries.COMPLETED, {"user": user_id})
        return [Completion(row.lesson_id, row.completed_at) for row in rows]

    @contextlib.contextmanager
    def _writing(self, user_id: str) -> Iterator[sqlalchemy.Connection]:
        """A transaction that locks the completions of the user until it ends."""
        with self._database.transaction() as sql:
            sql.execute(queries.LOCK_USER, {"user": user_id})
            yield sql

    def _require_available(self, user_id: str, lesson_id: UUID, now: datetime) -> Any:
        """The row of LESSON_STATE for the lesson.

        Raises NotFound if the lesson does not exist. Raises BadRequest if it is not published.
        Raises Forbidden if it is not accessible.
        """
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
    """The completion of the lesson and the progress of the user, read in the transaction of `sql`."""
    values = {"user": user_id, "now": now, "lesson": lesson_id}
    module_totals = sql.execute(queries.MODULE_TOTALS, values).all()
    module = next((row for row in module_totals if row.has_this_lesson), None)
    if module is None:
        raise NotFound(NO_LESSON)
    return MarkResult(
        Completion(lesson_id, module.completed_at),
        module.module_id,
        module=Progress(module.completed, module.total),
        overall=Progress(
            sum(row.completed for row in module_totals), sum(row.total for row in module_totals)
        ),
    )
