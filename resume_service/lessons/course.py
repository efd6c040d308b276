"""The course: its modules and lessons, as admins keep them and as every viewer sees them."""

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
from resume_service.postgres.database import Database

LOCK = 7_236_450_223
"""Of Postgres' advisory locks: two changes of prerequisites, made at once, could close a circle."""


class Modules(Repository):
    def __init__(self, database: Database) -> None:
        super().__init__(database, modules, NO_MODULE)

    def delete(self, row_id: UUID) -> None:
        """Raises NotFound, and Conflict for a module that holds lessons."""
        try:
            super().delete(row_id)
        except IntegrityError as fault:
            raise Conflict("The module holds lessons") from fault

    def _order(self) -> tuple[ColumnElement[Any], ...]:
        return (modules.c.position, modules.c.id)


class Lessons(Repository):
    """Lessons with their `prerequisites`, the ids of the lessons to complete first."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, lessons, NO_LESSON)

    def offered(self) -> Sequence[Record]:
        """Every published lesson in the course's order, with the title of its module."""
        query = (
            _with_prerequisites()
            .add_columns(modules.c.title.label("module_title"))
            .select_from(in_modules())
            .where(lessons.c.published)
        )
        return self._database.rows(query.order_by(*COURSE_ORDER))

    def delete(self, row_id: UUID) -> None:
        """Delete a lesson, and every completion of it. Raises NotFound."""
        freed = select(lesson_prerequisites.c.lesson_id).where(
            lesson_prerequisites.c.prerequisite_id == row_id
        )
        with self._database.transaction() as sql:
            # Viewings of what it has locked are looked at again.
            sql.execute(
                lessons.update().where(lessons.c.id.in_(freed)).values(updated_at=func.now())
            )
            self._delete(sql, row_id)

    def _query(self) -> Query:
        return _with_prerequisites()

    def _order(self) -> tuple[ColumnElement[Any], ...]:
        return (lessons.c.module_id, lessons.c.position, lessons.c.id)

    def _written(self, sql: sqlalchemy.Connection, row_id: UUID, values: Mapping[str, Any]) -> None:
        """Set the prerequisites. Raises ValidationFailed when they close a circle."""
        if "prerequisites" not in values:
            return
        its = lesson_prerequisites.c
        sql.execute(select(func.pg_advisory_xact_lock(LOCK)))
        sql.execute(lesson_prerequisites.delete().where(its.lesson_id == row_id))
        required = [
            {"lesson_id": row_id, "prerequisite_id": each} for each in set(values["prerequisites"])
        ]
        if required:
            sql.execute(lesson_prerequisites.insert().values(required))
        _require_no_circle(sql.execute(select(its.lesson_id, its.prerequisite_id)).all(), row_id)


def _with_prerequisites() -> Query:
    its = lesson_prerequisites.c
    required = select(its.prerequisite_id).where(its.lesson_id == lessons.c.id)
    ordered = required.order_by(its.prerequisite_id).correlate(lessons).scalar_subquery()
    ids = func.array(ordered, type_=sqlalchemy.ARRAY(sqlalchemy.Uuid))
    return select(lessons, ids.label("prerequisites"))


def _require_no_circle(pairs: Sequence[Record], changed: UUID) -> None:
    """Raises ValidationFailed for a circle, which can only be one that what was changed closes."""
    order: TopologicalSorter[UUID] = TopologicalSorter()
    for lesson, prerequisite in pairs:
        order.add(lesson, prerequisite)
    try:
        order.prepare()
    except CycleError as found:
        circle = found.args[1][:0:-1]
        first = circle.index(changed)
        told = " requires ".join(str(each) for each in (*circle[first:], *circle[:first], changed))
        raise ValidationFailed({"prerequisites": [f"A circle: {told}."]}, INVALID) from None
