"""The archive's table, as `migrations/` makes it; a test holds the two equal."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    Double,
    Index,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    func,
    text,
)

metadata = MetaData()

# Ids sort byte by byte, as Redis sorts them, and no locale can change that.
_ID = Text(collation="C")
_MOMENT = DateTime(timezone=True)

watch_archive = Table(
    "watch_archive",
    metadata,
    Column("user_id", _ID, nullable=False),
    Column("video_id", _ID, nullable=False),
    Column("position", Double, nullable=False, comment="seconds"),
    Column("duration", Double, comment="seconds"),
    Column("percent", Double, comment="0 to 100"),
    Column("watched", Boolean, nullable=False, comment="sticky"),
    Column("watched_at", _MOMENT, comment="the first time"),
    Column("completed", Boolean, nullable=False, comment="as the point stands"),
    Column("completed_at", _MOMENT, comment="the first time"),
    Column("updated_at", _MOMENT, nullable=False, comment="when the position was measured"),
    Column("archived_at", _MOMENT, nullable=False, server_default=func.now()),
    PrimaryKeyConstraint("user_id", "video_id"),
    Index("watch_archive_of_user", "user_id", text("updated_at DESC"), text("video_id DESC")),
    Index("watch_archive_updated", "updated_at", "user_id", "video_id"),
)
