"""The same events give the same point: in any order of arrival, repeated, and in any batches."""

from __future__ import annotations

from typing import Any

import fakeredis
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.event_model import model
from tests.support.point_events import SOMETIMES_A_DURATION, event_sets
from tests.support.replay import NOON_MS, Replay, check

seeds = st.integers(0, 10**6)


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
    @given(event_sets(NOON_MS), seeds)
    def compare(events, seed):
        check(events, send(events, seed))

    compare()


def compare_all_but_the_flags(redis: Any, count: int) -> None:
    """For saves without a duration, the flags may depend on the order of arrival."""
    send = Replay(redis)

    @settings_for(redis, count)
    @given(event_sets(NOON_MS, durations=SOMETIMES_A_DURATION), seeds)
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
def test_20_000_sets_of_events_give_the_point_of_the_model(real_redis):
    compare_with_the_model(real_redis, 20_000)


@pytest.mark.only_soak
@pytest.mark.timeout(7200)
def test_thousands_of_sets_of_events_give_the_point_of_the_model_on_every_server(any_redis):
    compare_with_the_model(any_redis, 2000)
    compare_all_but_the_flags(any_redis, 2000)
