"""SQL that selects the lessons to complete, because a user has watched the video.

A viewing is a row in `watch_archive` (a user's archived point) for the video of a lesson. It completes
the lesson if the user has watched the video to its end, or has marked it as watched. A mark does not
count if the user has removed it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy
from sqlalchemy import (
    ColumnElement,
    Double,
    Select,
    and_,
    case,
    exists,
    func,
    not_,
    or_,
    select,
    union_all,
)

from resume_service.archive.tables import watch_archive
from resume_service.lessons.eligibility import in_modules, is_accessible, is_locked
from resume_service.lessons.tables import (
    enrollments,
    lesson_prerequisites,
    lesson_progress,
    lesson_unmarked,
    lessons,
    modules,
)

_SAME_VIDEO = watch_archive.c.video_id == lessons.c.video_id
VIEWINGS = in_modules().join(watch_archive, _SAME_VIDEO)
_columns = watch_archive.c
_IS_ENDED = or_(_columns.completed_at.is_not(None), _columns.state.has_key("marked"))


def candidates(since: datetime | None, now: datetime) -> Any:
    """The viewings that complete a lesson because of a change at or after `since`.

    If `since` is None, the query checks all viewings. Four kinds of changes matter: archived points,
    completed prerequisites, enrollments, and changes of a lesson or its module. Each kind has its
    own part of the query, which uses an index. So the result may contain a row twice.
    """
    if since is None:
        return eligible(VIEWINGS, now, sqlalchemy.true())
    completed = lesson_progress.alias("just_completed")
    requires = lesson_prerequisites.alias("requires")
    enrolled = enrollments.alias("just_enrolled")
    unlocked = (
        completed.join(requires, requires.c.prerequisite_id == completed.c.lesson_id)
        .join(in_modules(), lessons.c.id == requires.c.lesson_id)
        .join(
            watch_archive,
            and_(watch_archive.c.user_id == completed.c.user_id, _SAME_VIDEO),
        )
    )
    newly_enrolled = enrolled.join(
        watch_archive, watch_archive.c.user_id == enrolled.c.user_id
    ).join(in_modules(), _SAME_VIDEO)
    changed = lessons.c.updated_at >= since, modules.c.updated_at >= since
    return union_all(
        eligible(VIEWINGS, now, watch_archive.c.archived_at >= since),
        eligible(unlocked, now, completed.c.created_at >= since),
        eligible(newly_enrolled, now, enrolled.c.updated_at >= since),
        eligible(VIEWINGS, now, sqlalchemy.or_(*changed)),
    )


def eligible(
    source: sqlalchemy.FromClause, now: datetime, condition: ColumnElement[bool]
) -> Select[Any]:
    """The viewings in `source` that complete a lesson: user id, lesson id, completion time.

    The user can complete the lesson, but has not done so. The lesson is not completed again if the
    user marked it as not completed after watching. The time is the first one that counts.
    """
    user_id = _columns.user_id
    unmarked_at = func.coalesce(
        select(lesson_unmarked.c.unmarked_at)
        .where(lesson_unmarked.c.user_id == user_id, lesson_unmarked.c.lesson_id == lessons.c.id)
        .scalar_subquery(),
        sqlalchemy.literal_column("'-infinity'::timestamptz"),
    )
    times = [case((at > unmarked_at, at)) for at in (_columns.completed_at, _marked_at())]
    completed_at = func.least(*times)
    is_completed = exists().where(
        lesson_progress.c.user_id == user_id, lesson_progress.c.lesson_id == lessons.c.id
    )
    return (
        select(user_id, lessons.c.id, func.date_trunc("milliseconds", completed_at))
        .select_from(source)
        .where(
            condition,
            _IS_ENDED,
            completed_at.is_not(None),
            lessons.c.published,
            is_accessible(user_id, now),
            not_(is_locked(user_id)),
            not_(is_completed),
        )
    )


def _marked_at() -> ColumnElement[Any]:
    """The time of the latest watched mark. Null if there is none, or if it was removed."""
    marked, unwatched = (
        sqlalchemy.cast(_columns.state[name].astext, Double) for name in ("marked", "unwatched")
    )
    return case((marked > func.coalesce(unwatched, 0), func.to_timestamp(marked / 1000)))
