"""The merge of two states gives the point of all events, in any order."""

from __future__ import annotations

import functools
import itertools
import random
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from msgspec.structs import replace

from resume_service.clock import epoch_ms, iso_ms
from resume_service.resume.merge_state import EMPTY, NO_PAIR, MergeState, cut_off, join, shown
from resume_service.resume.model import EventType
from resume_service.resume.state_fields import from_fields, to_fields
from resume_service.resume.state_json import pruned
from tests.support.event_model import DELETE, WATCHED_PERCENT, earliest, model
from tests.support.point_events import event_sets, state_of
from tests.support.replay import check_time
from tests.support.resume_stores import resume_store

NOW_MS = epoch_ms(datetime(2026, 11, 20, 12, tzinfo=UTC))
RUNS = 400
SOAK_RUNS = 20_000
AT = "2026-11-20T10:00:00.000Z"


def merged(events) -> MergeState:
    return functools.reduce(join, map(state_of, events), EMPTY)


def orders_of(events):
    if len(events) <= 4:
        return itertools.permutations(events)
    chance = random.Random(1)
    return (chance.sample(events, len(events)) for _ in range(20))


def as_model(state: MergeState):
    """The point of a state in the format of the model."""
    point = shown(state)
    if point is None:
        return None
    return {
        "position": point.position,
        "updated_at": iso_ms(point.at),
        "duration": point.duration,
        "percent": point.percent,
        "completed": point.completed,
        "watched": point.watched,
        "dismissed": point.dismissed,
        "device": point.device or None,
    }


def assert_first_times(state, events):
    """A late deletion or unwatched mark may leave a later time than the earliest."""
    watched = earliest(events, WATCHED_PERCENT, DELETE, EventType.UNWATCHED)
    assert bool(state.watched_at) is bool(watched)
    for at, percent in ((state.watched_at, WATCHED_PERCENT), (state.completed_at, 100)):
        check_time(iso_ms(at) if at else None, events, percent)


def check(events):
    for order in orders_of(events):
        state = merged([*order, *order[:3]])

        assert as_model(state) == model(events)
        assert_first_times(state, events)


def check_halves(events):
    """Two servers that each know a part of the events, as Redis and the archive do."""
    for at in range(len(events) + 1):
        one, other = merged(events[:at]), merged(events[at:])
        assert join(one, other) == join(other, one)
        assert as_model(join(one, other)) == model(events)
        assert join(join(one, other), other) == join(one, other)


def check_round_trip(events):
    """Stored fields lack only what no later event can make visible, and the tombstone."""
    for at in range(len(events) + 1):
        state = merged(events[:at])
        fields = to_fields(state)
        read = join(from_fields(fields), MergeState(deleted=state.deleted))
        assert to_fields(read) == fields
        assert as_model(functools.reduce(join, map(state_of, events[at:]), read)) == model(events)


@pytest.mark.parametrize("promise", [check, check_halves, check_round_trip])
def test_the_same_events_give_the_same_point_in_any_order(promise):
    settings(max_examples=RUNS, deadline=None)(given(event_sets(1))(promise))()


@pytest.mark.only_soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("promise", [check, check_halves, check_round_trip])
def test_twenty_thousand_sets_of_events_give_the_same_point_in_any_order(promise):
    settings(max_examples=SOAK_RUNS, deadline=None)(given(event_sets(1))(promise))()


def test_the_script_stores_the_same_fields(real_redis):
    """Apart from the position before a rewind, and times after a late deletion or unwatched mark."""
    store = resume_store(real_redis)

    def check_fields(events):
        real_redis.flushall()
        store.batch([event.arriving("ann", "v", NOW_MS) for event in events])
        stored = real_redis.hgetall("resume:ann:v")
        state = pruned(merged(events))

        read = pruned(from_fields(stored))
        ignored = {"previous": NO_PAIR, "watched_at": 0, "completed_at": 0, "deleted": 0}
        assert replace(read, **ignored) == replace(state, **ignored)
        in_state = {"rate"} if "state" in stored else set()  # the script writes it only once
        shown_names = to_fields(state).keys() - {"state", "watchedAt", "completedAt"} - in_state
        assert {name: stored[name] for name in shown_names} == {
            name: to_fields(state)[name] for name in shown_names
        }

    settings(max_examples=150, deadline=None)(given(event_sets(NOW_MS - 8))(check_fields))()


def test_a_rate_of_the_version_before_is_still_shown():
    """Version 0.4 stored a rate without a duration as a percent, beside the position before it."""
    old = {"currentTime": "30", "updatedAt": "2026-11-20T10:00:00.000Z", "percent": "85.00"}

    point = shown(from_fields(old | {"watched": "0", "completed": "0"}))

    assert (point.position, point.percent, point.watched) == (30, 85, False)


def test_a_save_by_the_version_before_counts_as_an_event():
    """Version 0.4 changes the fields of a point, but not its state."""
    written = to_fields(MergeState(position=(2000, 20.0, "TV"), unwatched=3000, qualified=1000))
    overwritten = written | {
        "currentTime": "100",
        "updatedAt": "1970-01-01T00:00:04.000Z",
        "duration": "100",
        "percent": "100.00",
        "watched": "1",
        "completed": "1",
        "watchedAt": "1970-01-01T00:00:04.000Z",
        "completedAt": "1970-01-01T00:00:04.000Z",
    }

    state = from_fields(overwritten)

    assert state.position == (4000, 100.0, "")
    assert (state.unwatched, state.watched_at) == (3000, 4000)
    assert shown(state).watched


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"updatedAt": AT}, "could not convert"),
        ({"updatedAt": AT[:-1], "currentTime": "1"}, "no time zone"),
        ({"currentTime": "1"}, "no updatedAt"),
        ({"updatedAt": AT, "currentTime": "nan"}, "not finite"),
        ({"state": "{"}, "truncated"),
        ({"state": '{"position": "x"}'}, "Expected"),
        ({"state": '{"sent": [1, "x"]}'}, "could not convert"),
    ],
)
def test_fields_of_no_point_are_refused(fields, why):
    with pytest.raises(ValueError, match=why):
        from_fields(fields)


def test_a_time_in_the_future_is_cut_off():
    state = MergeState(position=(9000, 5.0, "TV"), unwatched=8000, qualified=2000)

    assert cut_off(state, after=5000, to=3000) == MergeState(
        position=(3000, 5.0, "TV"), unwatched=3000, qualified=2000
    )
