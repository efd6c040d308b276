"""Store the number of videos of each list, so that a page of a list does not count its videos.

For each SQL statement that changes a number, triggers insert a row with the difference. So they also
count the writes of the previous version of the service, and manual SQL. No transaction waits for the
counts of another: triggers insert rows, and they replace only rows that are not locked.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# The list 0 has all videos. `changed` has a row per video: n is 1 for a new state, -1 for an old one.
DIFFERENCES = """
    SELECT list, sum(of_owner.offered), sum(of_owner.stored)
    FROM (
      SELECT corporation_id, sum(n) AS stored,
             coalesce(sum(n) FILTER (WHERE published AND deleted_at IS NULL), 0) AS offered
      FROM ({changed}) AS changed
      GROUP BY corporation_id
    ) AS of_owner
    CROSS JOIN LATERAL (VALUES (0), (of_owner.corporation_id)) AS lists (list)
    WHERE list IS NOT NULL
    GROUP BY list
    HAVING sum(of_owner.offered) <> 0 OR sum(of_owner.stored) <> 0
"""
ROWS = "SELECT corporation_id, published, deleted_at, {n} AS n FROM {table}"
NEW, OLD = ROWS.format(n=1, table="new_rows"), ROWS.format(n=-1, table="old_rows")
NEW_TABLE, OLD_TABLE = "NEW TABLE AS new_rows", "OLD TABLE AS old_rows"
OPERATIONS = {
    "insert": (NEW, NEW_TABLE),
    "update": (f"{NEW} UNION ALL {OLD}", f"{NEW_TABLE} {OLD_TABLE}"),
    "delete": (OLD, OLD_TABLE),
}
"""For each operation: the changed states of videos, and the tables that the trigger needs."""

# From 100 rows, one row with their sum replaces them. So a page reads at most about 100 rows.
COUNT = """
CREATE FUNCTION count_videos_of_{operation}() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  changed_list bigint;
BEGIN
  FOR changed_list IN
    INSERT INTO video_counts (list, offered, stored)
{differences}
    RETURNING list
  LOOP
    IF (SELECT count(*) FROM video_counts WHERE list = changed_list) >= 100 THEN
      PERFORM merge_video_counts(changed_list);
    END IF;
  END LOOP;
  RETURN NULL;
END
$$
"""
COUNT_TRIGGER = """
CREATE TRIGGER videos_counted_at_{operation} AFTER {operation} ON videos REFERENCING {tables}
  FOR EACH STATEMENT EXECUTE FUNCTION count_videos_of_{operation}()
"""
MERGE = """
CREATE FUNCTION merge_video_counts(merged_list bigint) RETURNS void LANGUAGE sql AS $$
  WITH unlocked AS MATERIALIZED (
    SELECT id FROM video_counts WHERE list = merged_list FOR UPDATE SKIP LOCKED
  ), merged AS (
    DELETE FROM video_counts USING unlocked WHERE video_counts.id = unlocked.id
    RETURNING video_counts.offered, video_counts.stored
  )
  INSERT INTO video_counts (list, offered, stored)
    SELECT merged_list, sum(offered), sum(stored) FROM merged HAVING count(*) > 0
$$
"""
# The lock waits for transactions that write videos. Each statement of the function sees their rows.
RECOUNT = """
CREATE FUNCTION recount_videos() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  LOCK TABLE videos IN SHARE ROW EXCLUSIVE MODE;
  DELETE FROM video_counts;
  INSERT INTO video_counts (list, offered, stored)
{differences};
END
$$
"""
TRUNCATED = """
CREATE FUNCTION count_no_videos() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM video_counts;
  RETURN NULL;
END
$$
"""
TRUNCATE_TRIGGER = """
CREATE TRIGGER videos_counted_at_truncate AFTER TRUNCATE ON videos FOR EACH STATEMENT
  EXECUTE FUNCTION count_no_videos()
"""


def upgrade() -> None:
    op.create_table(
        "video_counts",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("list", sa.BigInteger, nullable=False, comment="a company's id; 0: all videos"),
        sa.Column("offered", sa.BigInteger, nullable=False, comment="published, not deleted"),
        sa.Column("stored", sa.BigInteger, nullable=False, comment="all"),
    )
    op.create_index("video_counts_of_list", "video_counts", ["list"])
    op.execute(MERGE)
    for operation, (changed, tables) in OPERATIONS.items():
        differences = DIFFERENCES.format(changed=changed)
        op.execute(COUNT.format(operation=operation, differences=differences))
        op.execute(COUNT_TRIGGER.format(operation=operation, tables=tables))
    op.execute(TRUNCATED)
    op.execute(TRUNCATE_TRIGGER)
    all_videos = ROWS.format(n=1, table="videos")
    op.execute(RECOUNT.format(differences=DIFFERENCES.format(changed=all_videos)))
    op.execute("SELECT recount_videos()")


def downgrade() -> None:
    for operation in (*OPERATIONS, "truncate"):
        op.execute(f"DROP TRIGGER videos_counted_at_{operation} ON videos")
    for operation in OPERATIONS:
        op.execute(f"DROP FUNCTION count_videos_of_{operation}()")
    for function in ("count_no_videos()", "recount_videos()", "merge_video_counts(bigint)"):
        op.execute(f"DROP FUNCTION {function}")
    op.drop_table("video_counts")
