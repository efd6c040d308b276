"""Tables of the course, the enrollments and the completions."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    func,
    text,
)

from resume_service.postgres.metadata import MOMENT, metadata

# The same type and collation as the ids of `watch_archive`. Queries join it with the tables here.
_ID = Text(collation="C")


def _moment(name: str) -> Column[Any]:
    return Column(name, MOMENT, nullable=False, server_default=func.now())


def _lesson(name: str) -> Column[Any]:
    return Column(name, Uuid, ForeignKey("lessons.id", ondelete="CASCADE"), nullable=False)


modules = Table(
    "modules",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("title", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("free", Boolean, nullable=False, comment="open to who is not enrolled"),
    _moment("created_at"),
    _moment("updated_at"),
)

lessons = Table(
    "lessons",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("module_id", Uuid, ForeignKey("modules.id"), nullable=False),
    Column("title", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("published", Boolean, nullable=False),
    Column("free", Boolean, nullable=False, comment="open to who is not enrolled"),
    Column("video_id", _ID, comment="of the resume points whose end completes it"),
    _moment("created_at"),
    _moment("updated_at"),
    Index("lessons_of_module", "module_id", "position", "id"),
    Index("lessons_of_video", "video_id", postgresql_where=text("video_id IS NOT NULL")),
)

lesson_prerequisites = Table(
    "lesson_prerequisites",
    metadata,
    _lesson("lesson_id"),
    _lesson("prerequisite_id"),
    PrimaryKeyConstraint("lesson_id", "prerequisite_id"),
    Index("lesson_prerequisites_of", "prerequisite_id"),
)

enrollments = Table(
    "enrollments",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", _ID, nullable=False),
    Column("status", Text, nullable=False, comment="as Stripe names them"),
    Column("current_period_end", MOMENT, comment="null: never"),
    Column("stripe_subscription_id", Text, unique=True, comment="null: kept by hand"),
    Column("stripe_event_at", MOMENT, comment="of the last event applied"),
    Column("stripe_event_rank", SmallInteger, comment="within that second"),
    _moment("created_at"),
    _moment("updated_at"),
    Index("enrollments_of_user", "user_id"),
    Index("enrollments_updated", "updated_at"),
)

stripe_events = Table(
    "stripe_events",
    metadata,
    Column("id", Text, primary_key=True),
    _moment("received_at"),
    Index("stripe_events_received", "received_at"),
)

lesson_progress = Table(
    "lesson_progress",
    metadata,
    Column("user_id", _ID, nullable=False),
    _lesson("lesson_id"),
    Column("completed_at", MOMENT, nullable=False, comment="to the millisecond"),
    _moment("created_at"),
    _moment("updated_at"),
    PrimaryKeyConstraint("user_id", "lesson_id"),
    Index("lesson_progress_of_lesson", "lesson_id"),
    Index("lesson_progress_created", "created_at"),
)

lesson_unmarked = Table(
    "lesson_unmarked",
    metadata,
    Column("user_id", _ID, nullable=False),
    _lesson("lesson_id"),
    Column("unmarked_at", MOMENT, nullable=False, comment="the last time"),
    PrimaryKeyConstraint("user_id", "lesson_id"),
    Index("lesson_unmarked_of_lesson", "lesson_id"),
)

lessons_looked = Table(
    "lessons_looked",
    metadata,
    Column("one", Boolean, primary_key=True, comment="true: there is one row"),
    Column("until", MOMENT, nullable=False, comment="viewings archived by then are dealt with"),
    CheckConstraint("one", name="lessons_looked_one"),
)
