"""The JSON of a `MergeState`: the field `state` of a hash, and the column `state` of a row.

The JSON lacks the tombstone, the first times and the device, because these have their own fields.
"""

from __future__ import annotations

from math import isfinite
from typing import NamedTuple

import msgspec
from msgspec import Struct

from resume_service.resume.hash_format import number_text
from resume_service.resume.merge_state import (
    NEVER,
    NO_PAIR,
    NO_POSITION,
    MergeState,
    Pair,
    shown,
)

StoredPair = tuple[int, str]


class StoredState(Struct, omit_defaults=True, gc=False):
    """The JSON. A missing value means that no such event exists."""

    position: StoredPair | None = None
    rate: StoredPair | None = None
    sent: StoredPair | None = None
    usual: StoredPair | None = None
    qualified: int = NEVER
    marked: int = NEVER
    unwatched: int = NEVER
    dismissed: int = NEVER
    undismissed: int = NEVER
    previous: tuple[str, int] | None = None
    shown: int = NEVER
    """The time of the point when the JSON was written."""


class FirstTimes(NamedTuple):
    """The earliest events that made the video watched and completed, ms since 1970, or NEVER."""

    watched_at: int
    completed_at: int


_decode = msgspec.json.Decoder(StoredState).decode
_encode = msgspec.json.Encoder().encode


def parsed(text: str, device: str, first: FirstTimes) -> tuple[MergeState, int]:
    """Return the state, and the time of the point when the JSON was written.

    Raises ValueError if `text` is no such JSON.
    """
    try:
        stored = _decode(text)
    except msgspec.DecodeError as fault:
        raise ValueError(str(fault)) from fault
    position, previous = stored.position, stored.previous
    state = MergeState(
        position=(*_pair(position), device) if position else NO_POSITION,
        rate=_pair(stored.rate),
        sent=_pair(stored.sent),
        usual=_pair(stored.usual),
        qualified=stored.qualified,
        marked=stored.marked,
        unwatched=stored.unwatched,
        dismissed=stored.dismissed,
        undismissed=stored.undismissed,
        watched_at=first.watched_at,
        completed_at=first.completed_at,
        previous=(previous[1], number(previous[0])) if previous else NO_PAIR,
    )
    return state, stored.shown


def unwatched_at(text: str) -> int:
    """Return the time of the latest unwatched mark. Raises ValueError if `text` is no such JSON."""
    return parsed(text, "", FirstTimes(NEVER, NEVER))[0].unwatched


def json_of(state: MergeState) -> bytes:
    """Return the JSON of a state that `pruned` has returned."""
    point, previous = shown(state), state.previous
    stored = StoredState(
        position=_stored_pair(state.position[:2]),
        rate=_stored_pair(state.rate),
        sent=_stored_pair(state.sent),
        usual=_stored_pair(state.usual),
        qualified=state.qualified,
        marked=state.marked,
        unwatched=state.unwatched,
        dismissed=state.dismissed,
        undismissed=state.undismissed,
        previous=(number_text(previous[1]), previous[0]) if previous[0] else None,
        shown=point.at if point else NEVER,
    )
    return _encode(stored)


def pruned(state: MergeState) -> MergeState:
    """Return the state without the events that can't matter any more.

    An event can't matter if a later one hides it. A deletion cancels both of them or only the
    earlier one. So the earlier one can never become visible.
    """
    hidden: dict[str, object] = {}
    saved = max(state.position[0], state.rate[0])
    if NEVER < state.rate[0] <= state.position[0]:
        hidden["rate"] = NO_PAIR
    if NEVER < state.usual[0] <= state.sent[0]:
        hidden["usual"] = NO_PAIR
    if NEVER < state.qualified <= state.unwatched:
        hidden["qualified"] = NEVER
    # A watched mark completes a lesson, unless an unwatched mark cancels it.
    if NEVER < state.marked <= min(saved, state.unwatched):
        hidden["marked"] = NEVER
    if NEVER < state.dismissed <= saved:
        hidden["dismissed"] = NEVER
    if NEVER < state.undismissed <= saved:
        hidden["undismissed"] = NEVER
    return msgspec.structs.replace(state, **hidden) if hidden else state


def number(text: str) -> float:
    """Raises ValueError if `text` is not a finite number."""
    value = float(text)
    if not isfinite(value):
        raise ValueError(f"not finite: {text}")
    return value


def _stored_pair(pair: Pair) -> StoredPair | None:
    return (pair[0], number_text(pair[1])) if pair[0] else None


def _pair(stored: StoredPair | None) -> Pair:
    return (stored[0], number(stored[1])) if stored else NO_PAIR
