"""Notify listeners when a video changes."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Postgres sends the notifications at the commit: one for each video that the transaction changed. The
# update trigger compares the columns that decide access. A new name sends nothing. An empty payload
# means that any video may have changed.
FUNCTION = """
CREATE FUNCTION tell_video_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'TRUNCATE' THEN
    PERFORM pg_notify('video_changed', '');
  ELSE
    PERFORM pg_notify('video_changed', OLD.id::text);
  END IF;
  RETURN NULL;
END
$$
"""
UPDATED = """
CREATE TRIGGER video_updated AFTER UPDATE ON videos FOR EACH ROW
  WHEN ((OLD.id, OLD.kind, OLD.corporation_id, OLD.duration_seconds, OLD.published, OLD.deleted_at)
        IS DISTINCT FROM
        (NEW.id, NEW.kind, NEW.corporation_id, NEW.duration_seconds, NEW.published, NEW.deleted_at))
  EXECUTE FUNCTION tell_video_changed()
"""
DELETED = """
CREATE TRIGGER video_deleted AFTER DELETE ON videos FOR EACH ROW
  EXECUTE FUNCTION tell_video_changed()
"""
TRUNCATED = """
CREATE TRIGGER videos_truncated AFTER TRUNCATE ON videos FOR EACH STATEMENT
  EXECUTE FUNCTION tell_video_changed()
"""


def upgrade() -> None:
    for statement in (FUNCTION, UPDATED, DELETED, TRUNCATED):
        op.execute(statement)


def downgrade() -> None:
    for trigger in ("videos_truncated", "video_deleted", "video_updated"):
        op.execute(f"DROP TRIGGER {trigger} ON videos")
    op.execute("DROP FUNCTION tell_video_changed()")
