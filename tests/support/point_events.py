"""Random events of one point, and the state that each event is."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from resume_service.resume.merge_state import MergeState
from resume_service.resume.model import EventType
from tests.support.event_model import DELETE, RATE, SAVE, WATCHED_PERCENT, Event, own_percent

MARKS = [kind for kind in EventType if kind not in (SAVE, RATE, DELETE)]


DURATIONS = (1000, 500, 799.5)
SOMETIMES_A_DURATION = (*DURATIONS, None, None, None)


def event_sets(
    first_ms: int, most: int = 12, durations: Sequence[float | None] = DURATIONS
) -> st.SearchStrategy[list[Event]]:
    """Lists of events in the eight milliseconds from `first_ms` on, so many have the same time.

    `durations` are those of saves, in seconds.
    """
    times = st.integers(first_ms, first_ms + 7)
    positions = st.sampled_from([0, 5, 899, 900, 999.99, 999.999, 1000, 1200])
    sent = st.sampled_from(durations)
    devices = st.sampled_from([None, None, "TV", "phone"])
    saves = st.tuples(times, positions, sent, devices).map(
        lambda drawn: Event(SAVE, drawn[0], drawn[1], duration=drawn[2], device=drawn[3])
    )
    percents = st.sampled_from([0, 50, 89, 90, 100])
    seldom_sent = st.sampled_from([None, None, None, 500])
    rates = st.tuples(times, percents, seldom_sent, st.sampled_from([None, 800])).map(
        lambda drawn: Event(RATE, drawn[0], rate=drawn[1], duration=drawn[2], usual=drawn[3])
    )
    others = st.tuples(st.sampled_from([*MARKS, DELETE]), times).map(lambda drawn: Event(*drawn))
    return st.lists(st.one_of(saves, saves, rates, others), min_size=1, max_size=most)


def state_of(event: Event) -> MergeState:
    """The state after this event alone."""
    at, kind = event.at, event.type
    if kind is DELETE:
        return MergeState(deleted=at)
    if kind in MARKS and kind is not EventType.WATCHED:
        return MergeState(**{kind.value: at})
    parts = {}
    if kind is SAVE:
        parts["position"] = (at, event.position, event.device or "")
    elif kind is RATE:
        parts["rate"] = (at, event.rate)
    else:
        parts["marked"] = at
    if event.duration:
        parts["sent"] = (at, event.duration)
    if event.usual:
        parts["usual"] = (at, event.usual)
    if kind is EventType.WATCHED or own_percent(event) >= WATCHED_PERCENT:
        parts |= {"qualified": at, "watched_at": at}
    if own_percent(event) >= 100:
        parts["completed_at"] = at
    return MergeState(**parts)
