"""The tables of videos, their files, their counts and view logs."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    func,
    text,
)

from resume_service.postgres.metadata import MOMENT, metadata

videos = Table(
    "videos",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("corporation_id", BigInteger, ForeignKey("corporations.id"), comment="null: public"),
    Column("duration_seconds", Double),
    Column("published", Boolean, nullable=False),
    Column("series_id", BigInteger),
    Column("season_number", Integer),
    Column("episode_number", Integer),
    Column("file_path", Text, nullable=False, comment="a URL, or a path below MEDIA_ROOT"),
    Column("created_at", MOMENT, nullable=False, server_default=func.now()),
    Column("updated_at", MOMENT, nullable=False, server_default=func.now()),
    Column("deleted_at", MOMENT),
    CheckConstraint("kind IN ('video', 'movie', 'episode')", name="videos_kind"),
    Index("videos_published", "id", postgresql_where=text("published AND deleted_at IS NULL")),
    Index("videos_of_corporation", "corporation_id", "id"),
    # Each company chooses the ids of its own series. So the owner is a part of the key.
    Index(
        "videos_of_series",
        "series_id",
        text("coalesce(corporation_id, 0)"),
        text("coalesce(season_number, 1)"),
        "episode_number",
        "id",
        postgresql_where=text("series_id IS NOT NULL"),
    ),
)

video_counts = Table(
    "video_counts",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("list", BigInteger, nullable=False, comment="a company's id; 0: all videos"),
    Column("offered", BigInteger, nullable=False, comment="published, not deleted"),
    Column("stored", BigInteger, nullable=False, comment="all"),
    Index("video_counts_of_list", "list"),
)
"""The sums of the rows of a list are its numbers of videos. Triggers of `videos` write the rows."""

video_files = Table(
    "video_files",
    metadata,
    Column("video_id", BigInteger, ForeignKey("videos.id"), nullable=False),
    Column("quality", Text, nullable=False),
    Column("file_path", Text, nullable=False),
    PrimaryKeyConstraint("video_id", "quality"),
)

view_logs = Table(
    "view_logs",
    metadata,
    Column("user_id", BigInteger, ForeignKey("users.id"), nullable=False),
    Column("video_id", BigInteger, ForeignKey("videos.id"), nullable=False),
    Column("created_at", MOMENT, nullable=False, server_default=func.now()),
    Column("rewarded_at", MOMENT, comment="when a stream of it earned points; null: none yet"),
    PrimaryKeyConstraint("user_id", "video_id"),
)
