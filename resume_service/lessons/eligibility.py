"""SQL expressions for the state of a lesson for one user.

- accessible: the user is enrolled, or the lesson is free, or the module of the lesson is free.
- prerequisites: the lessons that a user must complete before this lesson.
- locked: the user has not completed all prerequisites of the lesson.
- total: the lessons that the user has completed or can complete now. Progress is a part of this
  total. `in_total` is true for these lessons.
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
"""The statuses of an enrollment that give access to the course."""
COURSE_ORDER = (modules.c.position, modules.c.id, lessons.c.position, lessons.c.id)

_completed = lesson_progress.alias("completed")


def in_modules() -> sqlalchemy.Join:
    """Lessons joined with their modules."""
    return lessons.join(modules, modules.c.id == lessons.c.module_id)


def is_accessible(user: User, now: Time) -> ColumnElement[bool]:
    """Whether the user is enrolled, or the lesson or its module is free."""
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
    """Whether the user has not completed all prerequisites of the lesson."""
    return exists().where(_is_missing_prerequisite(user))


def missing_prerequisites(user: User) -> ColumnElement[Any]:
    """The ids of the prerequisites that the user has not completed, in the course's order."""
    required, module = lessons.alias("required"), modules.alias("module_of_required")
    ids = (
        select(required.c.id)
        .select_from(
            lesson_prerequisites.join(
                required, required.c.id == lesson_prerequisites.c.prerequisite_id
            ).join(module, module.c.id == required.c.module_id)
        )
        .where(_is_missing_prerequisite(user))
        .order_by(module.c.position, module.c.id, required.c.position, required.c.id)
        .correlate(lessons)
    )
    return sqlalchemy.func.array(ids.scalar_subquery(), type_=sqlalchemy.ARRAY(sqlalchemy.Uuid))


def lesson_states(user: User, now: Time) -> Select[Any]:
    """One row per lesson: id, module, published, accessible, completed_at, in_total."""
    accessible, completed_at = is_accessible(user, now), lesson_progress.c.completed_at
    can_complete = and_(lessons.c.published, accessible, not_(is_locked(user)))
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
        or_(completed_at.is_not(None), can_complete).label("in_total"),
    ).select_from(with_progress)


def _is_missing_prerequisite(user: User) -> ColumnElement[bool]:
    """Whether a row of `lesson_prerequisites` is a prerequisite that the user has not completed."""
    return and_(
        lesson_prerequisites.c.lesson_id == lessons.c.id,
        not_(
            exists().where(
                _completed.c.user_id == user,
                _completed.c.lesson_id == lesson_prerequisites.c.prerequisite_id,
            )
        ),
    )
