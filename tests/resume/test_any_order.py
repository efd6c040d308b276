"""The same events give the same point: in any order of arrival, repeated, and in any batches."""

from __future__ import annotations

from typing import Any

import fakeredis
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support import replay
from tests.support.event_model import RATE, SAVE, Event, model
from tests.support.replay import NOON_MS, Replay, check

times = st.integers(0, replay.LATEST).map(lambda ms: NOON_MS + ms)
choose = st.sampled_from
saves = st.tuples(
    times, choose(replay.POSITIONS), choose(replay.DURATIONS), choose(replay.DEVICES)
).map(lambda drawn: Event(SAVE, drawn[0], drawn[1], duration=drawn[2], device=drawn[3]))
rates = st.tuples(
    times, choose(replay.RATES), choose(replay.SELDOM_SENT), choose(replay.USUAL)
).map(lambda drawn: Event(RATE, drawn[0], rate=drawn[1], duration=drawn[2], usual=drawn[3]))
marks = st.tuples(choose(replay.MARKS), times).map(lambda drawn: Event(*drawn))
without_duration = saves.map(lambda event: event._replace(duration=None))
seeds = st.integers(0, 10**6)


def sets_of(*kinds: st.SearchStrategy[Event]) -> st.SearchStrategy[list[Event]]:
    return st.lists(st.one_of(*kinds), min_size=1, max_size=replay.MOST_EVENTS)


def settings_for(redis: Any, count: int) -> settings:
    """Fakeredis needs many times as long for a script."""
    is_fake = isinstance(redis, fakeredis.FakeRedis)
    return settings(
        max_examples=count // 20 if is_fake else count,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )


def compare_with_the_model(redis: Any, count: int) -> None:
    send = Replay(redis)

    @settings_for(redis, count)
    @given(sets_of(saves, saves, rates, marks), seeds)
    def compare(events, seed):
        check(events, send(events, seed))

    compare()


def compare_all_but_the_flags(redis: Any, count: int) -> None:
    """For saves without a duration, the flags may depend on the order of arrival."""
    send = Replay(redis)

    @settings_for(redis, count)
    @given(sets_of(saves, without_duration, rates, marks), seeds)
    def compare(events, seed):
        expected = without_flags(model(events))
        for point in send(events, seed):
            assert without_flags(point) == expected

    compare()


def without_flags(point: dict[str, Any] | None) -> dict[str, Any] | None:
    flags = ("watched", "watched_at", "completed_at")
    return point and {name: value for name, value in point.items() if name not in flags}


def test_events_give_the_point_of_the_model_in_any_order(any_redis):
    compare_with_the_model(any_redis, 80)


def test_saves_without_a_duration_give_the_same_position_in_any_order(any_redis):
    compare_all_but_the_flags(any_redis, 80)


@pytest.mark.only_soak
@pytest.mark.timeout(7200)
def test_20_000_sets_of_events_give_the_point_of_the_model(any_redis):
    compare_with_the_model(any_redis, 5000)
    compare_all_but_the_flags(any_redis, 2000)
