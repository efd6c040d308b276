"""Store the merge state of archived points, and the deletions.

Version 0.4 can run beside this schema: it writes rows without the new columns, and never reads them.
Without a default, the new columns need no rewrite of the table. So the migration takes no time.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
ID = sa.Text(collation="C")


def upgrade() -> None:
    op.add_column("watch_archive", sa.Column("device", sa.Text, comment="measured the position"))
    op.add_column(
        "watch_archive",
        sa.Column("rate", sa.Double, comment="0 to 100; of a point with only a rate"),
    )
    op.add_column(
        "watch_archive",
        sa.Column("state", JSONB, comment="null: the other columns express the whole state"),
    )
    op.create_table(
        "watch_archive_tombstones",
        sa.Column("user_id", ID, nullable=False),
        sa.Column("video_id", ID, nullable=False),
        sa.Column("deleted_at", MOMENT, comment="null: there are only marks"),
        sa.Column("state", JSONB, comment="marks without a point"),
        sa.Column("updated_at", MOMENT, nullable=False, comment="of the latest deletion or mark"),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "video_id"),
    )
    op.create_index(
        "watch_archive_tombstones_of_user",
        "watch_archive_tombstones",
        ["user_id", sa.text("updated_at DESC"), sa.text("video_id DESC")],
    )
    op.create_index("watch_archive_tombstones_expiring", "watch_archive_tombstones", ["expires_at"])


def downgrade() -> None:
    op.drop_table("watch_archive_tombstones")
    for column in ("state", "rate", "device"):
        op.drop_column("watch_archive", column)
