"""A small course to try things with: always the same, and made only where it is not there yet."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from resume_service.lessons.tables import enrollments, lesson_prerequisites, lessons, modules
from resume_service.postgres.database import Database

FILM, PRACTICE = (
    UUID("6f1a2c3d-4b5e-4f60-8a7b-9c0d1e2f3a40"),
    UUID("6f1a2c3d-4b5e-4f60-8a7b-9c0d1e2f3a41"),
)
WELCOME, LIGHT, SOUND, CUT = (
    UUID(f"0b5c6d7e-8f90-4a1b-9c2d-3e4f5a6b7c8{number}") for number in range(4)
)
ENROLLED = UUID("2d3e4f50-6172-4839-8a4b-5c6d7e8f9010")

MODULES = [
    {"id": FILM, "title": "How film works", "position": 1, "free": True},
    {"id": PRACTICE, "title": "Practice", "position": 2, "free": False},
]
LESSONS = [
    {
        "id": WELCOME,
        "module_id": FILM,
        "title": "Welcome",
        "position": 1,
        "video_id": "demo-welcome",
    },
    {"id": LIGHT, "module_id": FILM, "title": "Light", "position": 2, "video_id": "demo-light"},
    {"id": SOUND, "module_id": PRACTICE, "title": "Sound", "position": 1, "video_id": "demo-sound"},
    {"id": CUT, "module_id": PRACTICE, "title": "The cut", "position": 2, "video_id": None},
]
REQUIRED = [(LIGHT, WELCOME), (CUT, LIGHT), (CUT, SOUND)]


def seed_demo_course(database: Database, enrolled: str = "demo") -> None:
    """Make the course, and enrol that user for good. Again, it changes nothing. Raises Unavailable."""
    opened = {"published": True, "free": False}
    required = [{"lesson_id": one, "prerequisite_id": other} for one, other in REQUIRED]
    enrollment = {"id": ENROLLED, "user_id": enrolled, "status": "active"}
    with database.transaction() as sql:
        for table, rows in (
            (modules, MODULES),
            (lessons, [lesson | opened for lesson in LESSONS]),
            (lesson_prerequisites, required),
            (enrollments, [enrollment]),
        ):
            sql.execute(insert(table).values(rows).on_conflict_do_nothing())
