"""Tell who listens which video has changed, whoever changed it."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Told with the commit, and once for each video that a transaction changes. What stands here is all
# that decides whether one may watch it; a new name is no news. An empty payload: any of them.
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
