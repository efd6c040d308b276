"""The modules and lessons of the course. Admins change them, and viewers get a list of them.

The order of the course: modules by their position, and in each module the lessons by their position.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any
from uuid import UUID

import sqlalchemy
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.exc import IntegrityError

from resume_service.errors import Conflict, ValidationFailed
from resume_service.lessons.eligibility import COURSE_ORDER, in_modules
from resume_service.lessons.model import NO_LESSON, NO_MODULE
from resume_service.lessons.repository import INVALID, Query, Record, Repository
from resume_service.lessons.tables import lesson_prerequisites, lessons, modules
from resume_service.postgres import locks
from resume_service.postgres.database import Database


class Modules(Repository):
    """The modules of the course."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, modules, NO_MODULE)

    def delete(self, row_id: UUID) -> None:
        """Raises NotFound if the module does not exist. Raises Conflict if the module has lessons."""
        try:
            super().delete(row_id)
        except IntegrityError as fault:
            raise Conflict("The module holds lessons") from fault

    def _order(self) -> tuple[ColumnElement[Any], ...]:
        return (modules.c.position, modules.c.id)


class Lessons(Repository):
    """The lessons. `prerequisites` are the ids of the lessons that a user must complete first."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, lessons, NO_LESSON)

    def offered(self) -> Sequence[Record]:
        """All published lessons in the course's order, with the titles of their modules."""
        query = (
            _with_prerequisites()
            .add_columns(modules.c.title.label("module_title"))
            .select_from(in_modules())
            .where(lessons.c.published)
        )
        return self._database.rows(query.order_by(*COURSE_ORDER))

    def delete(self, row_id: UUID) -> None:
        """Delete a lesson and all its completions. Raises NotFound if the lesson does not exist."""
        dependents = select(lesson_prerequisites.c.lesson_id).where(
            lesson_prerequisites.c.prerequisite_id == row_id
        )
        with self._database.transaction() as sql:
            # The lessons that require this lesson lose a prerequisite. The new `updated_at` makes
            # the worker check whether users who watched their videos can now complete them.
            sql.execute(
                lessons.update().where(lessons.c.id.in_(dependents)).values(updated_at=func.now())
            )
            self._delete(sql, row_id)

    def _query(self) -> Query:
        return _with_prerequisites()

    def _order(self) -> tuple[ColumnElement[Any], ...]:
        return (lessons.c.module_id, lessons.c.position, lessons.c.id)

    def _write_related(
        self, sql: sqlalchemy.Connection, row_id: UUID, values: Mapping[str, Any]
    ) -> None:
        """Replace the prerequisites.

        Raises ValidationFailed if they form a circle (A requires B, B requires A).
        """
        if "prerequisites" not in values:
            return
        columns = lesson_prerequisites.c
        sql.execute(select(func.pg_advisory_xact_lock(locks.COURSE)))
        sql.execute(lesson_prerequisites.delete().where(columns.lesson_id == row_id))
        required = [
            {"lesson_id": row_id, "prerequisite_id": each} for each in set(values["prerequisites"])
        ]
        if required:
            sql.execute(lesson_prerequisites.insert().values(required))
        pairs = sql.execute(select(columns.lesson_id, columns.prerequisite_id)).all()
        _require_no_circle(pairs, row_id)


def _with_prerequisites() -> Query:
    columns = lesson_prerequisites.c
    required = select(columns.prerequisite_id).where(columns.lesson_id == lessons.c.id)
    ordered = required.order_by(columns.prerequisite_id).correlate(lessons).scalar_subquery()
    ids = func.array(ordered, type_=sqlalchemy.ARRAY(sqlalchemy.Uuid))
    return select(lessons, ids.label("prerequisites"))


def _require_no_circle(pairs: Sequence[Record], changed: UUID) -> None:
    """Raises ValidationFailed if the prerequisites form a circle. The error shows the circle.

    Before the change, the prerequisites had no circle. So a circle contains the `changed` lesson.
    """
    order: TopologicalSorter[UUID] = TopologicalSorter()
    for lesson, prerequisite in pairs:
        order.add(lesson, prerequisite)
    try:
        order.prepare()
    except CycleError as fault:
        circle = fault.args[1][:0:-1]
        start = circle.index(changed)
        path = " requires ".join(str(each) for each in (*circle[start:], *circle[:start], changed))
        raise ValidationFailed({"prerequisites": [f"A circle: {path}."]}, INVALID) from None
