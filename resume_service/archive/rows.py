"""Converts rows of the archive to merge states, and back."""

from __future__ import annotations

from datetime import datetime

import msgspec
import structlog
from msgspec import Raw, Struct

from resume_service.clock import epoch_ms, iso_ms
from resume_service.resume import state_fields, state_json
from resume_service.resume.hash_format import fields_of
from resume_service.resume.merge_state import EMPTY, NEVER, MergeState, Shown, join
from resume_service.resume.model import ArchivedPoint
from resume_service.resume.state_json import FirstTimes

_log = structlog.get_logger(__name__)


class WantedRow(Struct, gc=False):
    """A point that a flush reads from the archive."""

    user_id: str
    video_id: str
    replaces: str | None = None
    watched_at: str | None = None
    completed_at: str | None = None


class PointRow(Struct, gc=False):
    """The values of a row of `watch_archive`. Times are in the format of `clock.iso`."""

    user_id: str
    video_id: str
    position: float
    updated_at: str
    duration: float | None
    percent: float | None
    watched: bool
    watched_at: str | None
    completed: bool
    completed_at: str | None
    device: str | None
    rate: float | None
    state: Raw | None


class TombstoneRow(Struct, gc=False):
    """The values of a row of `watch_archive_tombstones`."""

    user_id: str
    video_id: str
    deleted_at: str | None
    state: Raw | None
    updated_at: str


def wanted_row(user_id: str, video_id: str, state: MergeState) -> WantedRow:
    """Return what a flush must know of the archive to merge a state of Redis into it.

    A plain save with a duration replaces an older row, if that is plain and has the same first times.
    """
    at, sent = state.position[0], state.sent
    replacing = MergeState(
        position=state.position,
        sent=sent,
        qualified=at if state.qualified else NEVER,
        watched_at=state.watched_at,
        completed_at=state.completed_at,
    )
    if not at or sent[0] != at or state != replacing:
        return WantedRow(user_id, video_id)
    first_times = _moment(state.watched_at), _moment(state.completed_at)
    return WantedRow(user_id, video_id, iso_ms(at), *first_times)


def state_of_point(row: ArchivedPoint) -> MergeState:
    """Return the state that a row expresses. Raises ValueError if it expresses none."""
    state = state_fields.from_fields(fields_of(row))
    if row.watched_at and state.watched_at > state.qualified:
        # Version 0.4 has merged an earlier event into the row, but not into its state.
        return msgspec.structs.replace(state, qualified=state.watched_at)
    return state


def valid_state_of(point: ArchivedPoint) -> MergeState:
    """Return the state of a row. If its JSON is invalid, the other columns decide."""
    try:
        return state_of_point(point)
    except ValueError as fault:
        _log.error("not a state", user=point.user_id, video=point.video_id, fault=str(fault))
        return state_of_point(point._replace(state=None))


def state_of_tombstone(deleted_at: datetime | None, marks: str | None) -> MergeState:
    """Return the state that a tombstone expresses. `marks` is JSON."""
    state = state_json.parsed(marks, "", FirstTimes(NEVER, NEVER))[0] if marks else EMPTY
    return join(state, MergeState(deleted=epoch_ms(deleted_at) if deleted_at else NEVER))


def tombstone_of(state: MergeState, point: Shown | None) -> MergeState:
    """Return the part of a pruned state for which no row of a point exists.

    It is the deletion, and if there is no point, the marks. EMPTY if there are none.
    """
    if point is None:
        return state
    return MergeState(deleted=state.deleted) if state.deleted else EMPTY


def point_row(user_id: str, video_id: str, state: MergeState, point: Shown) -> PointRow:
    """Return the row of a point. `state` must be pruned, and `point` is the point that it shows."""
    is_plain = state_fields.is_plain(state, point)
    return PointRow(
        user_id,
        video_id,
        point.position,
        iso_ms(point.at),
        point.duration,
        point.percent,
        point.watched,
        _moment(state.watched_at),
        point.completed,
        _moment(point.completed_at),
        state.position[2] or None,
        state.rate[1] if is_plain and state.rate[0] else None,
        None if is_plain else Raw(state_json.json_of(state)),
    )


def tombstone_row(user_id: str, video_id: str, tombstone: MergeState) -> TombstoneRow:
    """Return the row of a result of `tombstone_of` that is not EMPTY."""
    latest_mark = max(tombstone.unwatched, tombstone.dismissed, tombstone.undismissed)
    return TombstoneRow(
        user_id,
        video_id,
        _moment(tombstone.deleted),
        Raw(state_json.json_of(tombstone)) if latest_mark else None,
        iso_ms(max(latest_mark, tombstone.deleted)),
    )


def _moment(ms: int) -> str | None:
    return iso_ms(ms) if ms else None
