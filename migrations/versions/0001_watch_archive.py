"""Create the archive of resume points."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "watch_archive",
        sa.Column("user_id", sa.Text(collation="C"), nullable=False),
        sa.Column("video_id", sa.Text(collation="C"), nullable=False),
        sa.Column("position", sa.Double, nullable=False, comment="seconds"),
        sa.Column("duration", sa.Double, comment="seconds"),
        sa.Column("percent", sa.Double, comment="0 to 100"),
        sa.Column("watched", sa.Boolean, nullable=False, comment="sticky"),
        sa.Column("watched_at", moment, comment="the first time"),
        sa.Column("completed", sa.Boolean, nullable=False, comment="as the point stands"),
        sa.Column("completed_at", moment, comment="the first time"),
        sa.Column("updated_at", moment, nullable=False, comment="when the position was measured"),
        sa.Column("archived_at", moment, nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("user_id", "video_id"),
    )
    op.create_index(
        "watch_archive_of_user",
        "watch_archive",
        ["user_id", sa.text("updated_at DESC"), sa.text("video_id DESC")],
    )
    op.create_index("watch_archive_updated", "watch_archive", ["updated_at", "user_id", "video_id"])


def downgrade() -> None:
    op.drop_table("watch_archive")
