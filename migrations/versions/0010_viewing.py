"""Add an index of the episodes of a series, and notify listeners of more changes of a video.

Version 0.4 can run beside this schema. It drops all cached facts at each notification `added`.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# The cached facts of a video now contain its name, its series and its numbers.
ACCESS = ("id", "kind", "corporation_id", "duration_seconds", "published", "deleted_at")
FACTS = (*ACCESS, "name", "series_id", "season_number", "episode_number")
UPDATED = """
CREATE TRIGGER video_updated AFTER UPDATE ON videos FOR EACH ROW
  WHEN (({old}) IS DISTINCT FROM ({new})) EXECUTE FUNCTION tell_video_changed()
"""
# One notification of a transaction, however many videos it adds. Postgres drops duplicates.
ADDED = """
CREATE FUNCTION tell_videos_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('video_changed', 'added');
  RETURN NULL;
END
$$
"""
ADDED_TRIGGER = """
CREATE TRIGGER videos_added AFTER INSERT ON videos FOR EACH STATEMENT
  EXECUTE FUNCTION tell_videos_added()
"""


def upgrade() -> None:
    op.create_index(
        "videos_of_series",
        "videos",
        [
            "series_id",
            sa.text("coalesce(corporation_id, 0)"),
            sa.text("coalesce(season_number, 1)"),
            "episode_number",
            "id",
        ],
        postgresql_where=sa.text("series_id IS NOT NULL"),
    )
    _notify_of(FACTS)
    op.execute(ADDED)
    op.execute(ADDED_TRIGGER)


def downgrade() -> None:
    op.execute("DROP TRIGGER videos_added ON videos")
    op.execute("DROP FUNCTION tell_videos_added()")
    _notify_of(ACCESS)
    op.drop_index("videos_of_series", "videos")


def _notify_of(columns: tuple[str, ...]) -> None:
    op.execute("DROP TRIGGER video_updated ON videos")
    old, new = (", ".join(f"{row}.{name}" for name in columns) for row in ("OLD", "NEW"))
    op.execute(UPDATED.format(old=old, new=new))
