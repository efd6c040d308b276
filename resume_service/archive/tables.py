"""The tables of the archive: points, and what remains of points that do not exist."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Double,
    Index,
    PrimaryKeyConstraint,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from resume_service.postgres.metadata import MOMENT, metadata

# Ids are sorted by their bytes, as in Redis. The locale of the database does not matter.
_ID = Text(collation="C")
# The queries that complete lessons use these indexes. They are small: few videos are completed.
_COMPLETED = text("completed_at IS NOT NULL")
_MARKED = text("state ? 'marked'")

watch_archive = Table(
    "watch_archive",
    metadata,
    Column("user_id", _ID, nullable=False),
    Column("video_id", _ID, nullable=False),
    Column("position", Double, nullable=False, comment="seconds"),
    Column("duration", Double, comment="seconds"),
    Column("percent", Double, comment="0 to 100"),
    Column("watched", Boolean, nullable=False, comment="sticky"),
    Column("watched_at", MOMENT, comment="the first time"),
    Column("completed", Boolean, nullable=False, comment="as the point stands"),
    Column("completed_at", MOMENT, comment="the first time"),
    Column("updated_at", MOMENT, nullable=False, comment="when the position was measured"),
    Column("archived_at", MOMENT, nullable=False, server_default=func.now()),
    Column("device", Text, comment="measured the position"),
    Column("rate", Double, comment="0 to 100; of a point with only a rate"),
    Column("state", JSONB, comment="null: the other columns express the whole state"),
    PrimaryKeyConstraint("user_id", "video_id"),
    Index("watch_archive_of_user", "user_id", text("updated_at DESC"), text("video_id DESC")),
    Index("watch_archive_updated", "updated_at", "user_id", "video_id"),
    Index("watch_archive_completed", "archived_at", postgresql_where=_COMPLETED),
    Index("watch_archive_completed_video", "video_id", postgresql_where=_COMPLETED),
    Index("watch_archive_marked", "archived_at", postgresql_where=_MARKED),
    Index("watch_archive_marked_video", "video_id", postgresql_where=_MARKED),
)

# A deletion also cancels events that arrive after it. So it is kept for RESUME_TTL_DAYS.
watch_archive_tombstones = Table(
    "watch_archive_tombstones",
    metadata,
    Column("user_id", _ID, nullable=False),
    Column("video_id", _ID, nullable=False),
    Column("deleted_at", MOMENT, comment="null: there are only marks"),
    Column("state", JSONB, comment="marks without a point"),
    Column("updated_at", MOMENT, nullable=False, comment="of the latest deletion or mark"),
    Column("expires_at", MOMENT, nullable=False),
    PrimaryKeyConstraint("user_id", "video_id"),
    Index(
        "watch_archive_tombstones_of_user",
        "user_id",
        text("updated_at DESC"),
        text("video_id DESC"),
    ),
    Index("watch_archive_tombstones_expiring", "expires_at"),
)
