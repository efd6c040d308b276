"""Random events of one point, and the state that each event is."""

from __future__ import annotations

from hypothesis import strategies as st

from resume_service.resume.merge_state import MergeState
from tests.support.point_model import Event, is_qualifying, own_percent

POSITIONS = (0.0, 5.0, 899.0, 900.0, 999.999, 1000.0, 1200.0)
DURATIONS = (1000.0, 500.0)
RATES = (0, 50, 89.996, 90, 99.99, 100)
MARKS = ("watched", "unwatched", "dismissed", "undismissed")
TIMES = range(1, 9)

_times = st.sampled_from(TIMES)
_durations = st.sampled_from([None, *DURATIONS])
_usual = st.sampled_from([None, 800.0])
saves = st.tuples(_times, st.sampled_from(POSITIONS), _durations).map(
    lambda values: Event("save", values[0], position=values[1], duration=values[2])
)
rates = st.tuples(
    _times, st.sampled_from(RATES), st.sampled_from([None, None, None, 1000.0]), _usual
).map(lambda values: Event("rate", values[0], rate=values[1], duration=values[2], usual=values[3]))
others = st.tuples(st.sampled_from([*MARKS, "delete"]), _times).map(lambda values: Event(*values))
events = st.one_of(saves, saves, rates, others)
event_sets = st.lists(events, min_size=1, max_size=12)


def state_of(event: Event) -> MergeState:
    """The state after this event alone."""
    at, qualified = event.at, event.at if is_qualifying(event) else 0
    first = {"qualified": qualified, "watched_at": qualified}
    if event.kind == "delete":
        return MergeState(deleted=at)
    if event.kind == "watched":
        return MergeState(marked=at, **first)
    if event.kind in MARKS:
        return MergeState(**{event.kind: at})
    length = {"sent": (at, event.duration)} if event.duration else {}
    usual = {"usual": (at, event.usual)} if event.usual else {}
    value = (
        {"rate": (at, float(event.rate))}
        if event.kind == "rate"
        else {"position": (at, event.position, "")}
    )
    completed = {"completed_at": at} if own_percent(event) >= 100 else {}
    return MergeState(**value, **length, **usual, **first, **completed)
