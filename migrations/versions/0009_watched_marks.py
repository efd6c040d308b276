"""Find the archived points with a watched mark, which completes a lesson.

Version 0.4 can run beside these indexes. It writes no marks, so they cost it nothing.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

MARKED = sa.text("state ? 'marked'")


def upgrade() -> None:
    op.create_index(
        "watch_archive_marked", "watch_archive", ["archived_at"], postgresql_where=MARKED
    )
    op.create_index(
        "watch_archive_marked_video", "watch_archive", ["video_id"], postgresql_where=MARKED
    )


def downgrade() -> None:
    op.drop_index("watch_archive_marked_video", "watch_archive")
    op.drop_index("watch_archive_marked", "watch_archive")
