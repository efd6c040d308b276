"""Create modules, lessons, enrolments, completions, and the data to complete lessons by viewings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
ID = sa.Text(collation="C")
COMPLETED = sa.text("completed_at IS NOT NULL")


def upgrade() -> None:
    _course()
    _enrollments()
    _progress()
    _viewings()


def downgrade() -> None:
    for index in ("watch_archive_completed", "watch_archive_completed_video"):
        op.drop_index(index, "watch_archive")
    for table in (
        "lessons_looked",
        "lesson_unmarked",
        "lesson_progress",
        "stripe_events",
        "enrollments",
        "lesson_prerequisites",
        "lessons",
        "modules",
    ):
        op.drop_table(table)


def _course() -> None:
    op.create_table(
        "modules",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("free", sa.Boolean, nullable=False, comment="open to who is not enrolled"),
        _moment("created_at"),
        _moment("updated_at"),
    )
    op.create_table(
        "lessons",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("module_id", sa.Uuid, sa.ForeignKey("modules.id"), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("published", sa.Boolean, nullable=False),
        sa.Column("free", sa.Boolean, nullable=False, comment="open to who is not enrolled"),
        sa.Column("video_id", ID, comment="of the resume points whose end completes it"),
        _moment("created_at"),
        _moment("updated_at"),
    )
    op.create_index("lessons_of_module", "lessons", ["module_id", "position", "id"])
    op.create_index(
        "lessons_of_video",
        "lessons",
        ["video_id"],
        postgresql_where=sa.text("video_id IS NOT NULL"),
    )
    op.create_table(
        "lesson_prerequisites",
        _lesson("lesson_id"),
        _lesson("prerequisite_id"),
        sa.PrimaryKeyConstraint("lesson_id", "prerequisite_id"),
    )
    op.create_index("lesson_prerequisites_of", "lesson_prerequisites", ["prerequisite_id"])


def _enrollments() -> None:
    op.create_table(
        "enrollments",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("status", sa.Text, nullable=False, comment="as Stripe names them"),
        sa.Column("current_period_end", MOMENT, comment="null: never"),
        sa.Column("stripe_subscription_id", sa.Text, unique=True, comment="null: kept by hand"),
        sa.Column("stripe_event_at", MOMENT, comment="of the last event applied"),
        sa.Column("stripe_event_rank", sa.SmallInteger, comment="within that second"),
        _moment("created_at"),
        _moment("updated_at"),
    )
    op.create_index("enrollments_of_user", "enrollments", ["user_id"])
    op.create_index("enrollments_updated", "enrollments", ["updated_at"])
    op.create_table(
        "stripe_events", sa.Column("id", sa.Text, primary_key=True), _moment("received_at")
    )
    op.create_index("stripe_events_received", "stripe_events", ["received_at"])


def _progress() -> None:
    op.create_table(
        "lesson_progress",
        sa.Column("user_id", ID, nullable=False),
        _lesson("lesson_id"),
        sa.Column("completed_at", MOMENT, nullable=False, comment="to the millisecond"),
        _moment("created_at"),
        _moment("updated_at"),
        sa.PrimaryKeyConstraint("user_id", "lesson_id"),
    )
    op.create_index("lesson_progress_of_lesson", "lesson_progress", ["lesson_id"])
    op.create_index("lesson_progress_created", "lesson_progress", ["created_at"])


def _viewings() -> None:
    op.create_table(
        "lesson_unmarked",
        sa.Column("user_id", ID, nullable=False),
        _lesson("lesson_id"),
        sa.Column("unmarked_at", MOMENT, nullable=False, comment="the last time"),
        sa.PrimaryKeyConstraint("user_id", "lesson_id"),
    )
    op.create_index("lesson_unmarked_of_lesson", "lesson_unmarked", ["lesson_id"])
    op.create_table(
        "lessons_looked",
        sa.Column("one", sa.Boolean, primary_key=True, comment="true: there is one row"),
        sa.Column(
            "until", MOMENT, nullable=False, comment="viewings archived by then are dealt with"
        ),
        sa.CheckConstraint("one", name="lessons_looked_one"),
    )
    op.create_index(
        "watch_archive_completed", "watch_archive", ["archived_at"], postgresql_where=COMPLETED
    )
    op.create_index(
        "watch_archive_completed_video", "watch_archive", ["video_id"], postgresql_where=COMPLETED
    )


def _moment(name: str) -> sa.Column[object]:
    return sa.Column(name, MOMENT, nullable=False, server_default=sa.func.now())


def _lesson(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Uuid, sa.ForeignKey("lessons.id", ondelete="CASCADE"), nullable=False)
