"""Sends the same events in many orders, and compares the points with the model."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from itertools import permutations
from typing import Any

from resume_service.clock import epoch_ms, iso_ms
from resume_service.resume.model import EventType, ResumePoint
from tests.support.event_model import DELETE, WATCHED_PERCENT, Event, earliest, model
from tests.support.executed import Executed
from tests.support.resume_stores import resume_store

NOON_MS = epoch_ms(datetime(2026, 11, 20, 12, tzinfo=UTC))
NOW_MS = NOON_MS + 1000
RANDOM_ORDERS = 50
EMPTIED_EVERY = 200


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
        if self.users % EMPTIED_EVERY == 0:
            self.redis.flushall()  # also what an earlier test has stored for these users
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
            for result in self.store.batch(batch):
                if isinstance(result, Exception):
                    raise result
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
            for name, percent in (("watched", WATCHED_PERCENT), ("completed", 100)):
                check_time(point[f"{name}_at"], events, percent)
                assert point[f"{name}_at"] or not point[name]


def check_time(shown: str | None, events: list[Event], percent: float) -> None:
    """The earliest time, or a later one if an event cancels earlier ones."""
    cancelling = (DELETE, EventType.UNWATCHED) if percent < 100 else (DELETE,)
    times = [iso_ms(at) for at in earliest(events, percent, *cancelling)]
    assert shown is None or shown in times
    if not any(event.type in cancelling for event in events):
        assert shown == (times[0] if times else None)
