"""Adds a small demo course.

Only missing rows are added. A service has one course. If the service already has another course,
nothing is added.
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
from resume_service.postgres import locks
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
"""Pairs of a lesson and its prerequisite."""
FILES = {WELCOME: "bowline.webm", LIGHT: "quay.webm", SOUND: "weather.webm"}
"""The file of the demo video of each lesson. Watching this video to its end completes the lesson."""


def seed_demo_course(
    database: Database, user_id: str, videos_by_lesson: Mapping[UUID, str] | None = None
) -> int | None:
    """Add missing rows. Enrol the user without an end date, unless the user has an enrolment.

    Returns the number of new rows, without the prerequisites. If the service has another course, this
    adds nothing and returns None. Raises Unavailable if Postgres does not answer in time.

    `videos_by_lesson` contains the video ids of the lessons. If it is None, the lessons get videos of
    the demo's catalogue.
    """
    with database.transaction() as sql:
        sql.execute(select(func.pg_advisory_xact_lock(locks.DEMO_COURSE)))
        if not _has_no_other_course(sql):
            return None
        video_ids = _videos(sql) if videos_by_lesson is None else videos_by_lesson
        return (
            len(_insert_missing(sql, modules, MODULES))
            + _add_lessons(sql, video_ids)
            + _enrol(sql, user_id)
        )


def _has_no_other_course(sql: sqlalchemy.Connection) -> bool:
    existing = set(sql.execute(select(modules.c.id)).scalars())
    return not existing or not existing.isdisjoint({FILM, PRACTICE})


def _videos(sql: sqlalchemy.Connection) -> dict[UUID, str]:
    """Return the ids of the demo's videos by lesson. Deleted videos are left out."""
    path = videos.c.file_path
    query = select(path, func.min(videos.c.id)).where(
        path.in_([f"{FOLDER}/{file}" for file in FILES.values()]),
        videos.c.corporation_id.is_(None),
        videos.c.deleted_at.is_(None),
    )
    ids = {row[0]: str(row[1]) for row in sql.execute(query.group_by(path))}
    by_lesson = {lesson: ids.get(f"{FOLDER}/{file}") for lesson, file in FILES.items()}
    return {lesson: video for lesson, video in by_lesson.items() if video}


def _add_lessons(sql: sqlalchemy.Connection, video_ids: Mapping[UUID, str]) -> int:
    flags = {"published": True, "free": False}
    rows = [row | flags | {"video_id": video_ids.get(row["id"])} for row in LESSONS]
    new = _insert_missing(sql, lessons, rows)
    # Only new lessons get prerequisites. An admin may have changed the prerequisites of an existing
    # lesson. Then a new prerequisite could make a cycle: A requires B, and B requires A.
    required = [
        {"lesson_id": lesson, "prerequisite_id": prerequisite}
        for lesson, prerequisite in REQUIRED
        if lesson in new
    ]
    if required:
        sql.execute(insert(lesson_prerequisites).values(required))
    return len(new)


def _enrol(sql: sqlalchemy.Connection, user_id: str) -> int:
    """Enrol the user, unless the user has an enrolment of any status."""
    if sql.execute(select(enrollments.c.id).where(enrollments.c.user_id == user_id)).first():
        return 0
    return len(
        _insert_missing(sql, enrollments, [{"id": uuid4(), "user_id": user_id, "status": "active"}])
    )


def _insert_missing(
    sql: sqlalchemy.Connection, table: sqlalchemy.Table, rows: Sequence[Mapping[str, Any]]
) -> set[UUID]:
    """Insert the rows that the table does not contain yet. Returns the ids of the inserted rows."""
    new = insert(table).values(rows).on_conflict_do_nothing().returning(table.c.id)
    return set(sql.execute(new).scalars())
