"""How a user stands with each lesson, as expressions of SQL.

A lesson is *accessible* when the user is enrolled, or it or its module is free; *locked* while one
of its prerequisites is not completed. It *counts* when the user could complete it now, or has.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeAlias

import sqlalchemy
from sqlalchemy import ColumnElement, Select, and_, exists, not_, or_, select

from resume_service.lessons.tables import (
    enrollments,
    lesson_prerequisites,
    lesson_progress,
    lessons,
    modules,
)

User: TypeAlias = str | ColumnElement[str]
Time: TypeAlias = datetime | ColumnElement[datetime]

ENROLLED = ("active", "trialing")
"""Of a subscription's states, those that open the course."""
COURSE_ORDER = (modules.c.position, modules.c.id, lessons.c.position, lessons.c.id)

_done = lesson_progress.alias("done")


def in_modules() -> sqlalchemy.Join:
    """Every lesson with its module."""
    return lessons.join(modules, modules.c.id == lessons.c.module_id)


def is_accessible(user: User, now: Time) -> ColumnElement[bool]:
    ends = enrollments.c.current_period_end
    return or_(
        lessons.c.free,
        modules.c.free,
        exists().where(
            enrollments.c.user_id == user,
            enrollments.c.status.in_(ENROLLED),
            or_(ends.is_(None), ends > now),
        ),
    )


def is_locked(user: User) -> ColumnElement[bool]:
    """Of a lesson that the user has not completed."""
    return exists().where(_is_missing(user))


def missing_prerequisites(user: User) -> ColumnElement[Any]:
    """The ids of what the user has yet to complete before a lesson, in the course's order."""
    required, its_module = lessons.alias("required"), modules.alias("its_module")
    found = (
        select(required.c.id)
        .select_from(
            lesson_prerequisites.join(
                required, required.c.id == lesson_prerequisites.c.prerequisite_id
            ).join(its_module, its_module.c.id == required.c.module_id)
        )
        .where(_is_missing(user))
        .order_by(its_module.c.position, its_module.c.id, required.c.position, required.c.id)
        .correlate(lessons)
    )
    return sqlalchemy.func.array(found.scalar_subquery(), type_=sqlalchemy.ARRAY(sqlalchemy.Uuid))


def lesson_states(user: User, now: Time) -> Select[Any]:
    """A row for each lesson: where it is, how the user stands with it and whether it counts."""
    accessible, completed_at = is_accessible(user, now), lesson_progress.c.completed_at
    could = and_(lessons.c.published, accessible, not_(is_locked(user)))
    with_progress = in_modules().outerjoin(
        lesson_progress,
        and_(lesson_progress.c.lesson_id == lessons.c.id, lesson_progress.c.user_id == user),
    )
    return select(
        lessons.c.id,
        lessons.c.module_id,
        lessons.c.published,
        accessible.label("accessible"),
        completed_at,
        or_(completed_at.is_not(None), could).label("counts"),
    ).select_from(with_progress)


def _is_missing(user: User) -> ColumnElement[bool]:
    return and_(
        lesson_prerequisites.c.lesson_id == lessons.c.id,
        not_(
            exists().where(
                _done.c.user_id == user,
                _done.c.lesson_id == lesson_prerequisites.c.prerequisite_id,
            )
        ),
    )
