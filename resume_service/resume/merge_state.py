"""The merge rules of a point, without I/O.

An event is a save, a deletion or a mark. The events of a point have the same result in any order.
So the service stores no history, only a `MergeState`: the latest event of each kind. `join` merges
two states. One event is a small state, so a state takes up an event by the same function.

The script `merge_point.lua` has the same rules for Redis. The archive uses this module.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

NEVER = 0
"""A time that is earlier than all events."""
Pair = tuple[int, float]
"""A time in ms since 1970, and the value that an event measured at this time."""
NO_PAIR: Pair = (NEVER, 0.0)
Position = tuple[int, float, str]
"""A time in ms since 1970, the position in seconds, and the name of the device; empty if unknown."""
NO_POSITION: Position = (NEVER, 0.0, "")


class MergeState(Struct, frozen=True, gc=False, kw_only=True):
    """The latest event of each kind. All times are ms since 1970, or NEVER."""

    position: Position = NO_POSITION
    rate: Pair = NO_PAIR
    """Percent. A rate is a save, too: it says which part of the video the user has watched."""
    sent: Pair = NO_PAIR
    """The duration that a player sent, in seconds."""
    usual: Pair = NO_PAIR
    """The duration in the catalogue, in seconds, as it came with a rate."""
    qualified: int = NEVER
    """The latest event that makes the video watched."""
    marked: int = NEVER
    """The latest watched mark. It alone makes a point, too."""
    unwatched: int = NEVER
    dismissed: int = NEVER
    undismissed: int = NEVER
    watched_at: int = NEVER
    """The earliest event that makes the video watched."""
    completed_at: int = NEVER
    """The earliest event at 100 %."""
    deleted: int = NEVER
    """The latest deletion, also called the tombstone. It cancels all events at or before it."""
    previous: Pair = NO_PAIR
    """The position in seconds before a save moved it back, and its time."""


EMPTY = MergeState()


class Shown(Struct, frozen=True, gc=False, kw_only=True):
    """A point as responses show it."""

    position: float
    """Seconds from the start of the video."""
    at: int
    """The time of the event that decides the position, ms since 1970."""
    duration: float | None
    """Seconds. None if unknown."""
    percent: float | None
    """0 to 100 with two decimals. None if unknown."""
    watched: bool
    completed: bool
    completed_at: int
    """The earliest event at 100 %, ms since 1970, or NEVER."""
    dismissed: bool
    device: str
    """The device that measured the latest position. Empty if unknown."""


def join(one: MergeState, other: MergeState) -> MergeState:
    """Return the state after the events of both states.

    Of each kind, the latest event wins. Of two at the same time, the greater value wins.
    """
    newer = one if one.position >= other.position else other
    deleted = max(other.deleted, one.deleted)
    unwatched = max(one.unwatched, other.unwatched)
    cancelled = max(deleted, unwatched)
    merged = MergeState(
        position=newer.position,
        rate=max(one.rate, other.rate),
        sent=max(one.sent, other.sent),
        usual=max(one.usual, other.usual),
        qualified=max(one.qualified, other.qualified),
        marked=max(one.marked, other.marked),
        unwatched=unwatched,
        dismissed=max(one.dismissed, other.dismissed),
        undismissed=max(one.undismissed, other.undismissed),
        watched_at=_earliest(
            cancelled, one.watched_at, other.watched_at, one.qualified, other.qualified
        ),
        completed_at=_earliest(deleted, one.completed_at, other.completed_at),
        deleted=deleted,
        # It follows the order of arrival. So the state with the newer position decides.
        previous=newer.previous if newer.previous[1] > newer.position[1] else NO_PAIR,
    )
    return merged if deleted == NEVER else _after_deletion(merged)


def cut_off(state: MergeState, *, after: int, to: int) -> MergeState:
    """Return `state` with `to` in place of each time after `after`.

    A time in the future comes from a clock that was ahead. It must not win over later events.
    """
    changed: dict[str, object] = {}
    for name, value in zip(state.__struct_fields__, msgspec.structs.astuple(state), strict=True):
        if type(value) is int:
            if value > after:
                changed[name] = to
        elif value[0] > after:
            changed[name] = (to, *value[1:])
    return _replaced(state, changed) if changed else state


def shown(state: MergeState) -> Shown | None:
    """Return the point. None if the state has no save and no watched mark."""
    position, rate = state.position, state.rate
    at = max(position[0], rate[0])
    is_watched = state.qualified > state.unwatched
    is_dismissed = state.dismissed > max(at, state.undismissed)
    duration = state.sent[1] or state.usual[1] or None
    seconds, percent = position[1], None
    if rate[0] > position[0]:  # of a rate and a position at the same time, the position wins
        percent = two_decimals(rate[1], is_end=rate[1] >= 100)  # noqa: PLR2004 - percent
        if duration:
            seconds = round(rate[1] * duration / 100, 3)
    elif duration:
        percent = two_decimals(100 * seconds / duration, is_end=seconds >= duration)
    if not at and not state.marked:
        return None
    is_at_end = percent == 100  # noqa: PLR2004 - percent
    return Shown(
        position=seconds,
        at=at or state.marked,
        duration=duration,
        percent=percent,
        watched=is_watched,
        completed=is_at_end,
        # The duration may have arrived after the position. Then no event was at 100 %.
        completed_at=state.completed_at or (at if is_at_end else NEVER),
        dismissed=is_dismissed,
        device=position[2],
    )


def two_decimals(percent: float, *, is_end: bool) -> float:
    """Return a percent with two decimals. It is 100 at the end only, not at 99.996 %."""
    return 100.0 if is_end else min(99.99, round(percent, 2))


def is_begun(position: float, percent: float | None, watched_percent: int) -> bool:
    """Return whether a position in seconds is above 0, and its percent below `watched_percent`.

    An unknown percent counts as below. The same rule in other languages: `points_in_progress.lua`, and
    the statement in `viewing/queries.py`.
    """
    return position > 0 and (percent is None or percent < watched_percent)


def _earliest(after: int, *times: int) -> int:
    """Return the earliest of `times` that is later than `after`, or NEVER."""
    return min((time for time in times if time > after), default=NEVER)


def _after_deletion(merged: MergeState) -> MergeState:
    """Return `merged` without the events that its deletion cancels."""
    deleted = merged.deleted
    cancelled: dict[str, object] = {}
    for name in merged.__struct_fields__:
        value = getattr(merged, name)
        if type(value) is int:
            if name != "deleted" and NEVER < value <= deleted:
                cancelled[name] = NEVER
        elif NEVER < value[0] <= deleted:
            cancelled[name] = NO_POSITION if name == "position" else NO_PAIR
    return _replaced(merged, cancelled) if cancelled else merged


def _replaced(state: MergeState, changed: dict[str, object]) -> MergeState:
    return msgspec.structs.replace(state, **changed)
