"""SQL statements for completions.

This module builds the statements once, at import, because building takes longer than running them.
The parameters are `user`, `lesson`, `module`, `now` and `at` (the time to store).
"""

from __future__ import annotations

import sqlalchemy
from sqlalchemy import ColumnElement, Text, Uuid, bindparam, func, select
from sqlalchemy.dialects.postgresql import insert

from resume_service.lessons.eligibility import COURSE_ORDER, lesson_states, missing_prerequisites
from resume_service.lessons.tables import lesson_progress, lesson_unmarked, lessons
from resume_service.postgres import locks
from resume_service.postgres.metadata import MOMENT

IDLE_SECONDS = 5
"""Seconds before Postgres ends the session of a process that hangs inside a transaction.

The end of the session releases the locks of the transaction.
"""


def _progress_columns(state: sqlalchemy.Subquery) -> tuple[ColumnElement[int], ColumnElement[int]]:
    return (
        func.count(state.c.completed_at).label("completed"),
        func.count().filter(state.c.in_total).label("total"),
    )


_USER, _NOW = bindparam("user", type_=Text), bindparam("now", type_=MOMENT)
_LESSON, _AT = bindparam("lesson", type_=Uuid), bindparam("at", type_=MOMENT)
_STATE = lesson_states(_USER, _NOW).subquery()
_IS_THIS_LESSON = _STATE.c.id == _LESSON
_THIS_LESSON = select(_USER, lessons.c.id, _AT).where(lessons.c.id == _LESSON)

LESSON_STATE = (
    lesson_states(_USER, _NOW)
    .where(lessons.c.id == _LESSON)
    .add_columns(missing_prerequisites(_USER).label("missing"))
)
SUMMARY = select(*_progress_columns(_STATE))
MODULE_TOTALS = select(
    *_progress_columns(_STATE),
    _STATE.c.module_id,
    func.bool_or(_IS_THIS_LESSON).label("has_this_lesson"),
    func.max(_STATE.c.completed_at).filter(_IS_THIS_LESSON).label("completed_at"),
).group_by(_STATE.c.module_id)
"""One row per module, with the numbers of completed lessons and of lessons in the total.

`completed_at` is the completion time of `lesson`. It is null in the rows of other modules.
"""
MODULE = (
    lesson_states(_USER, _NOW)
    .where(lessons.c.module_id == bindparam("module", type_=Uuid))
    .order_by(*COURSE_ORDER)
)
COMPLETED = (
    select(lesson_progress.c.lesson_id, lesson_progress.c.completed_at)
    .where(lesson_progress.c.user_id == _USER)
    .order_by(lesson_progress.c.completed_at.desc(), lesson_progress.c.lesson_id)
)
LOCK_USER = select(
    func.set_config("idle_in_transaction_session_timeout", f"{IDLE_SECONDS}s", sqlalchemy.true()),
    func.pg_advisory_xact_lock(locks.USER_LESSONS, func.hashtext(_USER)),
)
"""Locks the completions of `user` until the transaction ends."""
COMPLETE = (
    insert(lesson_progress)
    .from_select(["user_id", "lesson_id", "completed_at"], _THIS_LESSON)
    .on_conflict_do_nothing()
)
DELETE_COMPLETION = lesson_progress.delete().where(
    lesson_progress.c.user_id == _USER, lesson_progress.c.lesson_id == _LESSON
)
_UNMARKED = insert(lesson_unmarked).from_select(
    ["user_id", "lesson_id", "unmarked_at"], _THIS_LESSON
)
RECORD_UNMARK = _UNMARKED.on_conflict_do_update(
    index_elements=["user_id", "lesson_id"],
    set_={"unmarked_at": _UNMARKED.excluded.unmarked_at},
)
