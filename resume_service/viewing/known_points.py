"""Merges the marks of missing points in Redis with the archived points that they concern.

For example, a viewer dismisses a series of which only the archive has the points.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from resume_service.archive.rows import state_of_point, state_of_tombstone
from resume_service.clock import epoch_ms
from resume_service.resume.merge_state import EMPTY, MergeState, join, shown
from resume_service.resume.model import ArchivedPoint
from resume_service.resume.point_scan import KnownPoint, KnownVideos


def archived_points(
    known: KnownVideos, rows: Iterable[ArchivedPoint], watched_percent: int
) -> dict[str, KnownPoint]:
    """Return the points of `rows` after the marks in `known`. Omits what was deleted."""
    points = {}
    for row in rows:
        is_deleted = epoch_ms(row.updated_at) <= known.deletions.get(row.video_id, -1)
        if not is_deleted:
            state = join(_state_of(row), _marks(known.marks, row.video_id))
            if point := _known_point(state, watched_percent):
                points[row.video_id] = point
    return points


def _known_point(state: MergeState, watched_percent: int) -> KnownPoint | None:
    point = shown(state)
    if point is None:
        return None
    is_begun = point.position > 0 and (point.percent is None or point.percent < watched_percent)
    in_progress = is_begun and not point.dismissed
    return KnownPoint(point.at, point.watched, in_progress, point.dismissed)


def _marks(marks: Mapping[str, str], video_id: str) -> MergeState:
    text = marks.get(video_id)
    try:
        return state_of_tombstone(None, text) if text else EMPTY
    except ValueError:
        return EMPTY  # another program has written the hash


def _state_of(row: ArchivedPoint) -> MergeState:
    """Return the state of an archived point. EMPTY if a row was changed by hand to no valid point."""
    try:
        return state_of_point(row)
    except (ValueError, OverflowError):
        return EMPTY
