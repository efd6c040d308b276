"""Create companies, users, refresh tokens, videos, video files and view logs."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
IN_USE = sa.text("deleted_at IS NULL")


def upgrade() -> None:
    _accounts()
    _catalogue()


def downgrade() -> None:
    for table in (
        "view_logs",
        "video_files",
        "videos",
        "refresh_tokens",
        "users",
        "corporations",
    ):
        op.drop_table(table)


def _accounts() -> None:
    op.create_table(
        "corporations",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column(
            "plan", sa.Text, nullable=False, comment="as stored: PAID counts as FREE once expired"
        ),
        sa.Column("plan_expires_at", MOMENT, comment="null: never"),
        *_kept_moments(),
        sa.CheckConstraint("plan IN ('FREE', 'PAID')", name="corporations_plan"),
    )
    op.create_index(
        "corporations_name", "corporations", ["name"], unique=True, postgresql_where=IN_USE
    )
    op.create_index(
        "corporations_expiring",
        "corporations",
        ["plan_expires_at"],
        postgresql_where=sa.text("plan = 'PAID' AND plan_expires_at IS NOT NULL"),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("email", sa.Text, nullable=False, comment="in lower case"),
        sa.Column("password_hash", sa.Text, nullable=False, comment="argon2id"),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column(
            "corporation_id", sa.BigInteger, sa.ForeignKey("corporations.id"), nullable=False
        ),
        sa.Column("points", sa.Integer, nullable=False, server_default="0"),
        *_kept_moments(),
        sa.CheckConstraint("role IN ('admin', 'guest')", name="users_role"),
    )
    op.create_index("users_email", "users", ["email"], unique=True, postgresql_where=IN_USE)
    op.create_index(
        "users_of_corporation", "users", ["corporation_id", "id"], postgresql_where=IN_USE
    )
    op.create_table(
        "refresh_tokens",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("user_id", sa.BigInteger, sa.ForeignKey("users.id"), nullable=False),
        sa.Column("family", sa.Uuid, nullable=False, comment="the sign-in it goes back to"),
        sa.Column("token_hash", sa.LargeBinary, nullable=False, unique=True, comment="SHA-256"),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("spent_at", MOMENT, comment="when it was changed for a new one"),
        sa.Column("revoked_at", MOMENT),
    )
    op.create_index("refresh_tokens_of_user", "refresh_tokens", ["user_id", "id"])
    op.create_index("refresh_tokens_of_family", "refresh_tokens", ["family"])
    op.create_index("refresh_tokens_expiring", "refresh_tokens", ["expires_at"])


def _catalogue() -> None:
    op.create_table(
        "videos",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column(
            "corporation_id",
            sa.BigInteger,
            sa.ForeignKey("corporations.id"),
            comment="null: public",
        ),
        sa.Column("duration_seconds", sa.Double),
        sa.Column("published", sa.Boolean, nullable=False),
        sa.Column("series_id", sa.BigInteger),
        sa.Column("season_number", sa.Integer),
        sa.Column("episode_number", sa.Integer),
        sa.Column(
            "file_path", sa.Text, nullable=False, comment="a URL, or a path below MEDIA_ROOT"
        ),
        *_kept_moments(),
        sa.CheckConstraint("kind IN ('video', 'movie', 'episode')", name="videos_kind"),
    )
    op.create_index(
        "videos_published",
        "videos",
        ["id"],
        postgresql_where=sa.text("published AND deleted_at IS NULL"),
    )
    op.create_index("videos_of_corporation", "videos", ["corporation_id", "id"])
    op.create_table(
        "video_files",
        sa.Column("video_id", sa.BigInteger, sa.ForeignKey("videos.id"), nullable=False),
        sa.Column("quality", sa.Text, nullable=False),
        sa.Column("file_path", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("video_id", "quality"),
    )
    op.create_table(
        "view_logs",
        sa.Column("user_id", sa.BigInteger, sa.ForeignKey("users.id"), nullable=False),
        sa.Column("video_id", sa.BigInteger, sa.ForeignKey("videos.id"), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False, server_default=sa.func.now()),
        sa.Column(
            "rewarded_at", MOMENT, comment="when a stream of it earned points; null: none yet"
        ),
        sa.PrimaryKeyConstraint("user_id", "video_id"),
    )


def _kept_moments() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("created_at", MOMENT, nullable=False, server_default=sa.func.now()),
        sa.Column("updated_at", MOMENT, nullable=False, server_default=sa.func.now()),
        sa.Column("deleted_at", MOMENT),
    )
