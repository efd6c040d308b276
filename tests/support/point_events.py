"""Random events of one point, and the state that each event is."""

from __future__ import annotations

import random
from collections.abc import Sequence

from hypothesis import strategies as st

from resume_service.resume.merge_state import MergeState
from resume_service.resume.model import EventType
from tests.support.event_model import DELETE, RATE, SAVE, WATCHED_PERCENT, Event, own_percent

MARKS = [kind for kind in EventType if kind not in (SAVE, RATE, DELETE)]
POSITIONS = (0, 5, 899, 900, 999.99, 999.999, 1000, 1200)
DURATIONS = (1000, 500, 799.5)
SOMETIMES_A_DURATION = (*DURATIONS, None, None, None)
DEVICES = (None, None, "TV", "phone")
RATES = (0, 50, 89, 90, 100)
SELDOM_SENT = (None, None, None, 500)
USUAL = (None, 800)


def random_events(
    chance: random.Random,
    first_ms: int,
    most: int = 12,
    durations: Sequence[float | None] = DURATIONS,
) -> list[Event]:
    """Events in the eight milliseconds from `first_ms` on, so many have the same time.

    Half of the sets are mostly marks. `durations` are those of saves, in seconds.
    """
    kinds = [SAVE, SAVE, RATE] + [None] * chance.choice([1, 6])
    count = chance.randint(1, most)
    return [
        random_event(chance, chance.choice(kinds), first_ms + chance.randint(0, 7), durations)
        for _ in range(count)
    ]


def random_event(
    chance: random.Random, kind: EventType | None, at: int, durations: Sequence[float | None]
) -> Event:
    """An event of this kind. None: a deletion or a mark."""
    if kind is SAVE:
        position, duration, device = map(chance.choice, (POSITIONS, durations, DEVICES))
        return Event(SAVE, at, position, duration=duration, device=device)
    if kind is RATE:
        rate, sent, usual = map(chance.choice, (RATES, SELDOM_SENT, USUAL))
        return Event(RATE, at, rate=rate, duration=sent, usual=usual)
    return Event(chance.choice([*MARKS, DELETE]), at)


def event_sets(
    first_ms: int, most: int = 12, durations: Sequence[float | None] = DURATIONS
) -> st.SearchStrategy[list[Event]]:
    """The lists of `random_events`. Hypothesis finds the smallest one that fails."""
    return st.randoms(use_true_random=False).map(
        lambda chance: random_events(chance, first_ms, most, durations)
    )


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
