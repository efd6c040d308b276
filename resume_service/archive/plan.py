"""Decides what a flush writes: merges what Redis knows of each point with what the archive knows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from resume_service.archive.repository import Archived, Ids
from resume_service.archive.rows import (
    PointRow,
    TombstoneRow,
    WantedRow,
    point_row,
    tombstone_of,
    tombstone_row,
    wanted_row,
)
from resume_service.resume.bulk_store import MergedPoint
from resume_service.resume.merge_state import EMPTY, MergeState, cut_off, join, shown
from resume_service.resume.state_json import pruned


class Change(NamedTuple):
    """What Redis knows of a point in the backlog."""

    user_id: str
    video_id: str
    state: MergeState
    """The state of the hash, with the tombstone if one is pending."""
    is_stored: bool
    """Whether Redis has a hash."""
    forgets_row: bool
    """Whether the point was deleted at an unknown time, so that the row can't be merged."""
    now_ms: int
    """The time of the Redis server, ms since 1970."""

    def wanted(self) -> WantedRow:
        """What must be known of the archive to merge this change into it."""
        if self.forgets_row:
            return WantedRow(self.user_id, self.video_id)
        return wanted_row(self.user_id, self.video_id, self.state)


UNKNOWN = Archived(None, EMPTY)


@dataclass(slots=True)
class Plan:
    """The rows to write and to delete, and the points that Redis must merge, too."""

    points: list[PointRow] = field(default_factory=list)
    erased: list[Ids] = field(default_factory=list)
    tombstones: list[TombstoneRow] = field(default_factory=list)
    forgotten: list[Ids] = field(default_factory=list)
    """Tombstones to delete: their marks have become part of a point."""
    merged: list[MergedPoint] = field(default_factory=list)

    def add(self, change: Change, archived: Archived = UNKNOWN) -> None:
        """Merge `change` with what the archive has of the same point."""
        ids, before = (change.user_id, change.video_id), _before(change, archived)
        state = pruned(change.state if before is EMPTY else join(before, change.state))
        point = shown(state)
        tombstone = tombstone_of(state, point)
        if point:
            self.points.append(point_row(*ids, state, point))
        elif archived.point is not None:
            self.erased.append(ids)
        if tombstone is not archived.tombstone and tombstone != archived.tombstone:
            if tombstone == EMPTY:
                self.forgotten.append(ids)
            else:
                self.tombstones.append(tombstone_row(*ids, tombstone))
        if change.is_stored and before is not EMPTY and state != pruned(change.state):
            self.merged.append(MergedPoint(*ids, state))


def _before(change: Change, archived: Archived) -> MergeState:
    """Return the archived state, without times in the future.

    Such a time comes from a clock that was ahead. It counts as earlier than the point in Redis,
    because that was saved later, by the present clock.
    """
    if archived is UNKNOWN:
        return EMPTY
    before = archived.tombstone
    if archived.point is not None and not change.forgets_row:
        before = archived.point if before is EMPTY else join(archived.point, before)
    point = shown(change.state)
    newest = min(point.at, change.now_ms) if point else change.now_ms
    return cut_off(before, after=change.now_ms, to=newest - 1)
