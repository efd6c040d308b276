"""A small course to try things with: always the same.

What is missing of it is added and what is there stays as it is. The course is one for everybody: where
there is another one already, nothing is added to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from resume_service.catalogue.tables import videos
from resume_service.demo.catalogue import FOLDER
from resume_service.lessons.tables import enrollments, lesson_prerequisites, lessons, modules
from resume_service.postgres.database import Database

FILM, PRACTICE = (
    UUID("6f1a2c3d-4b5e-4f60-8a7b-9c0d1e2f3a40"),
    UUID("6f1a2c3d-4b5e-4f60-8a7b-9c0d1e2f3a41"),
)
WELCOME, LIGHT, SOUND, CUT = (
    UUID(f"0b5c6d7e-8f90-4a1b-9c2d-3e4f5a6b7c8{number}") for number in range(4)
)
MODULES = [
    {"id": FILM, "title": "How film works", "position": 1, "free": True},
    {"id": PRACTICE, "title": "Practice", "position": 2, "free": False},
]
LESSONS: list[dict[str, Any]] = [
    {"id": WELCOME, "module_id": FILM, "title": "Welcome", "position": 1},
    {"id": LIGHT, "module_id": FILM, "title": "Light", "position": 2},
    {"id": SOUND, "module_id": PRACTICE, "title": "Sound", "position": 1},
    {"id": CUT, "module_id": PRACTICE, "title": "The cut", "position": 2},
]
REQUIRED = [(LIGHT, WELCOME), (CUT, LIGHT), (CUT, SOUND)]
FILES = {WELCOME: "bowline.wav", LIGHT: "quay.wav", SOUND: "weather.wav"}
"""Of the demo's public videos, those whose end completes a lesson."""
_LOCK = 7_236_450_225
"""Of Postgres' advisory locks: two at once could enrol twice."""


def seed_demo_course(
    database: Database, enrolled: str, shown: Mapping[UUID, str] | None = None
) -> int | None:
    """Add what is missing, and enrol that user for good, unless enrolled before; how many rows.

    Prerequisites are not counted. Lessons name the videos `shown`, or else those of the demo's catalogue. None, and nothing is
    added, where there is a course that is not the demo's. Raises Unavailable.
    """
    with database.transaction() as sql:
        sql.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        if not _is_free_or_ours(sql):
            return None
        of_lessons = _videos(sql) if shown is None else shown
        return (
            len(_added(sql, modules, MODULES))
            + _add_lessons(sql, of_lessons)
            + _enrol(sql, enrolled)
        )


def _is_free_or_ours(sql: sqlalchemy.Connection) -> bool:
    there = set(sql.execute(select(modules.c.id)).scalars())
    return not there or not there.isdisjoint({FILM, PRACTICE})


def _videos(sql: sqlalchemy.Connection) -> dict[UUID, str]:
    """The ids of the demo's videos, by their lesson; without those that are deleted."""
    path = videos.c.file_path
    query = select(path, func.min(videos.c.id)).where(
        path.in_([f"{FOLDER}/{file}" for file in FILES.values()]),
        videos.c.corporation_id.is_(None),
        videos.c.deleted_at.is_(None),
    )
    ids = {row[0]: str(row[1]) for row in sql.execute(query.group_by(path))}
    found = {lesson: ids.get(f"{FOLDER}/{file}") for lesson, file in FILES.items()}
    return {lesson: video for lesson, video in found.items() if video}


def _add_lessons(sql: sqlalchemy.Connection, shown: Mapping[UUID, str]) -> int:
    opened = {"published": True, "free": False}
    rows = [row | opened | {"video_id": shown.get(row["id"])} for row in LESSONS]
    new = _added(sql, lessons, rows)
    # Those of a lesson that is there are its admin's: one more could close a circle.
    required = [
        {"lesson_id": lesson, "prerequisite_id": first}
        for lesson, first in REQUIRED
        if lesson in new
    ]
    if required:
        sql.execute(insert(lesson_prerequisites).values(required))
    return len(new)


def _enrol(sql: sqlalchemy.Connection, user_id: str) -> int:
    """Unless the user has an enrolment of whatever status."""
    if sql.execute(select(enrollments.c.id).where(enrollments.c.user_id == user_id)).first():
        return 0
    return len(_added(sql, enrollments, [{"id": uuid4(), "user_id": user_id, "status": "active"}]))


def _added(
    sql: sqlalchemy.Connection, table: sqlalchemy.Table, rows: Sequence[Mapping[str, Any]]
) -> set[UUID]:
    """Insert those rows whose id is not there; the ids of these."""
    new = insert(table).values(rows).on_conflict_do_nothing().returning(table.c.id)
    return set(sql.execute(new).scalars())
