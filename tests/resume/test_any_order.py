"""The same events give the same point: in any order of arrival, repeated, and in any batches."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resume_service.clock import epoch_ms, iso_ms
from resume_service.resume.model import EventType, ResumePoint
from tests.support.event_model import DELETE, RATE, SAVE, WATCHED_PERCENT, Event, earliest, model
from tests.support.executed import Executed
from tests.support.resume_stores import resume_store

NOON_MS = epoch_ms(datetime(2026, 11, 20, 12, tzinfo=UTC))
NOW_MS = NOON_MS + 1000
RANDOM_ORDERS = 50
MOST_EVENTS = 12
MARKS = [kind for kind in EventType if kind not in (SAVE, RATE)]

times = st.integers(0, 8).map(lambda ms: NOON_MS + ms)
durations = st.sampled_from([1000, 500, 799.5])
positions = st.sampled_from([0, 5, 899, 900, 999.99, 999.999, 1000, 1200])
devices = st.sampled_from([None, None, "TV", "phone"])
saves = st.tuples(times, positions, durations, devices).map(
    lambda drawn: Event(SAVE, drawn[0], drawn[1], duration=drawn[2], device=drawn[3])
)
percents = st.sampled_from([0, 50, 89, 90, 100])
seldom_sent = st.sampled_from([None, None, None, 500])
rates = st.tuples(times, percents, seldom_sent, st.sampled_from([None, 800])).map(
    lambda drawn: Event(RATE, drawn[0], rate=drawn[1], duration=drawn[2], usual=drawn[3])
)
marks = st.tuples(st.sampled_from(MARKS), times).map(lambda drawn: Event(*drawn))
without_duration = saves.map(lambda event: event._replace(duration=None))
sets_with_durations = st.lists(
    st.one_of(saves, saves, rates, marks), min_size=1, max_size=MOST_EVENTS
)
any_sets = st.lists(
    st.one_of(saves, without_duration, rates, marks), min_size=1, max_size=MOST_EVENTS
)


def orders_of(events: list[Event], chance: random.Random) -> list[list[Event]]:
    """All orders of up to 5 events, else random ones. Some events arrive twice."""
    if len(events) <= 5:
        orders = [list(order) for order in permutations(events)]
    else:
        orders = [chance.sample(events, len(events)) for _ in range(RANDOM_ORDERS)]
    return [order + chance.sample(events, chance.randrange(len(events) + 1)) for order in orders]


class Replay:
    """Sends a set of events in many orders, each order for another video of one user."""

    def __init__(self, redis: Any, store: Executed | None = None) -> None:
        self.redis = redis
        self.store = store or resume_store(redis, watched_percent=WATCHED_PERCENT)
        self.users = 0

    def __call__(self, events: list[Event], seed: int) -> list[dict[str, Any] | None]:
        """The points by order, with `watched_at` and `completed_at`."""
        chance = random.Random(seed)
        self.users += 1
        user = f"user{self.users}"
        orders = orders_of(events, chance)
        arrivals: list[list[Any]] = [[], [], []]
        for video, order in enumerate(orders):
            cuts = sorted(chance.choices(range(len(order) + 1), k=2))
            parts = order[: cuts[0]], order[cuts[0] : cuts[1]], order[cuts[1] :]
            for batch, part in zip(arrivals, parts, strict=True):
                batch += [event.arriving(user, str(video), NOW_MS) for event in part]
        for batch in arrivals:
            assert not any(isinstance(each, Exception) for each in self.store.batch(batch))
        return self.points(user, len(orders))

    def points(self, user: str, count: int) -> list[dict[str, Any] | None]:
        listed = {point.video_id: point for point in self.store.list(user, NOW_MS).items}
        pipe = self.redis.pipeline(transaction=False)
        for video in range(count):
            pipe.hmget(f"resume:{user}:{video}", "watchedAt", "completedAt")
        times = pipe.execute()
        return [
            as_shown(listed[str(video)], *times[video]) if str(video) in listed else None
            for video in range(count)
        ]


def as_shown(
    point: ResumePoint, watched_at: str | None, completed_at: str | None
) -> dict[str, Any]:
    names = ("position", "updated_at", "duration", "percent", "dismissed", "device")
    return {name: getattr(point, name) for name in names} | {
        "watched": point.watched is True,
        "completed": point.completed is True,
        "watched_at": watched_at,
        "completed_at": completed_at,
    }


def check(events: list[Event], points: list[dict[str, Any] | None]) -> None:
    expected = model(events)
    for point in points:
        assert (point is None) is (expected is None)
        if point and expected:
            assert expected == {name: point[name] for name in expected}
            assert point["completed"] is (point["percent"] == 100)
            check_time(point["watched_at"], point["watched"], events, WATCHED_PERCENT)
            check_time(point["completed_at"], point["completed"], events, 100)


def check_time(shown: str | None, is_reached: bool, events: list[Event], percent: float) -> None:
    """The earliest time, or a later one if an event cancels earlier ones."""
    cancelling = (DELETE, EventType.UNWATCHED) if percent < 100 else (DELETE,)
    times = [iso_ms(at) for at in earliest(events, percent, *cancelling)]
    assert shown is None or shown in times
    assert shown or not is_reached
    if not any(event.type in cancelling for event in events):
        assert shown == (times[0] if times else None)


def without_flags(point: dict[str, Any] | None) -> dict[str, Any] | None:
    flags = ("watched", "watched_at", "completed_at")
    return point and {name: value for name, value in point.items() if name not in flags}


def examples(any_redis: Any, effort: Any, short: int, full: int) -> int:
    """Fakeredis needs twenty times as long for a script."""
    is_fake = (
        not hasattr(any_redis.connection_pool, "connection_kwargs")
        or "Fake" in type(any_redis).__name__
    )
    return int(effort(short, full) / (20 if is_fake else 1)) or 2


def quick(count: int) -> settings:
    return settings(
        max_examples=count, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )


def run_sets(any_redis: Any, count: int) -> None:
    replay = Replay(any_redis)

    @quick(count)
    @given(sets_with_durations, st.integers(0, 10**6))
    def in_any_order(events, seed):
        check(events, replay(events, seed))

    @quick(count)
    @given(any_sets, st.integers(0, 10**6))
    def flags_aside(events, seed):
        points = [without_flags(point) for point in replay(events, seed)]
        expected = model(events)
        for point in points:
            assert point == points[0]
            assert (point is None) is (expected is None)
            if point and expected:
                del expected["watched"]
                assert expected == {name: point[name] for name in expected}
                expected = model(events)

    in_any_order()
    flags_aside()


def test_events_give_the_point_of_the_model_in_any_order(any_redis, effort):
    run_sets(any_redis, examples(any_redis, effort, 40, 2000))
