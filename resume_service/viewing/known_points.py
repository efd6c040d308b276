"""Joins the points in Redis with the archived ones.

For example, a point has expired, and was saved again. Until the next flush, only the archive has its
watched mark.
"""

from __future__ import annotations

from collections.abc import Iterable

from resume_service.archive.rows import valid_state_of
from resume_service.resume.known_point import KnownPoint
from resume_service.resume.merge_state import NEVER, MergeState, join
from resume_service.resume.model import ArchivedPoint
from resume_service.resume.point_scan import KnownVideos


def known_points(
    known: KnownVideos, rows: Iterable[ArchivedPoint], watched_percent: int
) -> dict[str, KnownPoint]:
    """Return the points in Redis and in `rows`, by video id. Some are only marks of missing points.

    A deletion in Redis cancels earlier events of `rows`.
    """
    points = known.points()
    for row in rows:
        deletion = MergeState(deleted=known.deletions.get(row.video_id, NEVER))
        archived = KnownPoint.of(join(valid_state_of(row), deletion), watched_percent)
        live = points.get(row.video_id)
        points[row.video_id] = live.joined(archived) if live else archived
    return points
