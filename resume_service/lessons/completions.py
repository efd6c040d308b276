"""Which lessons each user has completed, and what that comes to.

Every answer is read in the transaction that wrote, while nobody else writes for that user: it is
right at once, and two answers never contradict each other. The number of statements is the same
for every course.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy
from sqlalchemy import ColumnElement, func, literal, select
from sqlalchemy.dialects.postgresql import insert

from resume_service.errors import BadRequest, Forbidden, NotFound, PrerequisitesMissing
from resume_service.lessons.standing import COURSE_ORDER, missing_prerequisites, standings
from resume_service.lessons.tables import lesson_progress, lesson_unmarked, lessons
from resume_service.postgres.database import Database
from resume_service.postgres.metadata import MOMENT

LOCK = 7236
"""Of Postgres' advisory locks of two numbers: the second is a hash of the user who writes."""
IDLE_SECONDS = 5
"""After which a process that stands still in its transaction loses it, and the lock with it."""
NO_LESSON, NO_MODULE = "Lesson not found", "Module not found"


class Tally(NamedTuple):
    """How many lessons are completed, of those that count."""

    completed: int
    total: int

    @property
    def percent(self) -> float:
        """0 to 100, two decimals; 0 of nothing."""
        return round(100 * self.completed / self.total, 2) if self.total else 0.0


class Completion(NamedTuple):
    lesson_id: UUID
    completed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Marked:
    """A lesson after it was marked or unmarked, and what that made of the user's progress."""

    completion: Completion
    module_id: UUID
    module: Tally
    overall: Tally


@dataclass(frozen=True, slots=True)
class ModuleProgress:
    tally: Tally
    lessons: Sequence[Completion]
    """In the module's order: what the user may open or has completed, locked ones too."""


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

    def mark(self, user_id: str, lesson_id: UUID, at: datetime, now: datetime) -> Marked:
        """Complete a lesson as of `at`, unless it is completed already. Raises NotFound."""
        to_the_ms = at.replace(microsecond=at.microsecond // 1000 * 1000)
        completed = select(literal(user_id), lessons.c.id, literal(to_the_ms, MOMENT))
        with self._writing(user_id) as sql:
            sql.execute(
                insert(lesson_progress)
                .from_select(
                    ["user_id", "lesson_id", "completed_at"],
                    completed.where(lessons.c.id == lesson_id),
                )
                .on_conflict_do_nothing()
            )
            return _marked(sql, user_id, lesson_id, now)

    def unmark(self, user_id: str, lesson_id: UUID, now: datetime) -> Marked:
        """Take a completion back, if there is one. Raises NotFound."""
        unmarked = select(literal(user_id), lessons.c.id, literal(now, MOMENT)).where(
            lessons.c.id == lesson_id
        )
        remember = insert(lesson_unmarked).from_select(
            ["user_id", "lesson_id", "unmarked_at"], unmarked
        )
        with self._writing(user_id) as sql:
            sql.execute(
                lesson_progress.delete().where(
                    lesson_progress.c.user_id == user_id, lesson_progress.c.lesson_id == lesson_id
                )
            )
            sql.execute(
                remember.on_conflict_do_update(
                    index_elements=["user_id", "lesson_id"],
                    set_={"unmarked_at": remember.excluded.unmarked_at},
                )
            )
            return _marked(sql, user_id, lesson_id, now)

    def summary(self, user_id: str, now: datetime) -> Tally:
        """The user's progress in the whole course."""
        state = standings(user_id, now).subquery()
        [(completed, total)] = self._database.rows(select(*_counts(state)))
        return Tally(completed, total)

    def module(self, user_id: str, module_id: UUID, now: datetime) -> ModuleProgress:
        """Raises NotFound when there is no such module, or nothing in it that the user may open."""
        query = (
            standings(user_id, now).where(lessons.c.module_id == module_id).order_by(*COURSE_ORDER)
        )
        rows = self._database.rows(query)
        may_open = {row.id for row in rows if row.published and row.accessible}
        if not may_open:
            raise NotFound(NO_MODULE)
        shown = [row for row in rows if row.id in may_open or row.completed_at is not None]
        completed = sum(row.completed_at is not None for row in rows)
        return ModuleProgress(
            Tally(completed, sum(row.counts for row in rows)),
            [Completion(row.id, row.completed_at) for row in shown],
        )

    def completed(self, user_id: str) -> Sequence[Completion]:
        """What the user has completed, newest first."""
        its = lesson_progress.c
        query = (
            select(its.lesson_id, its.completed_at)
            .where(its.user_id == user_id)
            .order_by(its.completed_at.desc(), its.lesson_id)
        )
        return [Completion(row.lesson_id, row.completed_at) for row in self._database.rows(query)]

    @contextlib.contextmanager
    def _writing(self, user_id: str) -> Iterator[sqlalchemy.Connection]:
        """A transaction in which nobody else writes completions of this user."""
        with self._database.transaction() as sql:
            sql.execute(
                select(
                    func.set_config(
                        "idle_in_transaction_session_timeout", f"{IDLE_SECONDS}s", sqlalchemy.true()
                    ),
                    func.pg_advisory_xact_lock(LOCK, func.hashtext(user_id)),
                )
            )
            yield sql

    def _require_open(self, user_id: str, lesson_id: UUID, now: datetime) -> Any:
        """How the user stands with a lesson that is there, published and accessible."""
        query = standings(user_id, now).where(lessons.c.id == lesson_id)
        found = self._database.rows(
            query.add_columns(missing_prerequisites(user_id).label("missing"))
        )
        if not found:
            raise NotFound(NO_LESSON)
        [standing] = found
        if not standing.published:
            raise BadRequest("Lesson is not published")
        if not standing.accessible:
            raise Forbidden("Not enrolled")
        return standing


def _marked(sql: sqlalchemy.Connection, user_id: str, lesson_id: UUID, now: datetime) -> Marked:
    """How the lesson and its sums stand now: a row for each module."""
    state = standings(user_id, now).subquery()
    its = state.c.id == lesson_id
    query = select(
        *_counts(state),
        state.c.module_id,
        func.bool_or(its).label("here"),
        func.max(state.c.completed_at).filter(its).label("completed_at"),
    ).group_by(state.c.module_id)
    by_module = sql.execute(query).all()
    here = next((row for row in by_module if row.here), None)
    if here is None:
        raise NotFound(NO_LESSON)
    return Marked(
        Completion(lesson_id, here.completed_at),
        here.module_id,
        module=Tally(here.completed, here.total),
        overall=Tally(sum(row.completed for row in by_module), sum(row.total for row in by_module)),
    )


def _counts(state: sqlalchemy.Subquery) -> tuple[ColumnElement[int], ColumnElement[int]]:
    return (
        func.count(state.c.completed_at).label("completed"),
        func.count().filter(state.c.counts).label("total"),
    )
