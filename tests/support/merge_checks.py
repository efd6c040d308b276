"""Checks of the limits and of the clock. Each raises AssertionError if the script is wrong.

The tests call them with the script of the service, and with deliberate bugs in it.
"""

from __future__ import annotations

import random
from typing import Any

from resume_service.resume.model import EventType, Mark, Measurement
from tests.support.point_events import random_events
from tests.support.replay import NOON_MS, NOW_MS, Replay, check
from tests.support.resume_stores import resume_store

LIMIT = 3
AN_HOUR_MS = 3_600_000


def saved(video: str, age_ms: int, position: float = 10, *, now_ms: int = NOW_MS) -> Measurement:
    return Measurement("ann", video, now_ms, position, 100, age_ms=age_ms)


def marked(video: str, kind: EventType, age_ms: int = 0, *, now_ms: int = NOW_MS) -> Mark:
    return Mark("ann", video, now_ms, kind, age_ms)


def check_orders(redis: Any, sets: int = 250) -> None:
    """Random sets of events give the point of the model in any order."""
    chance = random.Random(20261120)
    send = Replay(redis)
    for seed in range(sets):
        events = random_events(chance, NOON_MS)
        check(events, send(events, seed))


def check_limits(redis: Any, videos: int = 30) -> None:
    """A user has the points and the deletions with the newest times, in any order of arrival."""
    chance = random.Random(20261120)
    for _ in range(5):
        redis.flushall()
        store = resume_store(redis, max_points=LIMIT)
        ages = chance.sample(range(1000), videos)
        newest = sorted(ages)[:LIMIT]
        for age_ms in ages:
            store.save(saved(f"v{age_ms}", age_ms))
        assert [each.video_id for each in store.list("ann", NOW_MS).items] == [
            f"v{age_ms}" for age_ms in newest
        ]
        assert len(redis.keys("resume:*")) == LIMIT
        for age_ms in ages:
            store.delete(marked(f"v{age_ms}", EventType.DELETE, age_ms))
        assert sorted(redis.zrange("deleted:ann", 0, -1)) == sorted(f"v{age}" for age in newest)
        assert not redis.keys("resume:*")


def check_clock(redis: Any) -> None:
    """A stored time ahead of the clock locks no user out, whatever stored it."""
    redis.flushall()
    store = resume_store(redis)
    ahead_ms = NOW_MS + AN_HOUR_MS
    for number, before in enumerate(
        (
            saved("v", 0, 90, now_ms=ahead_ms),
            Measurement("ann", "v", ahead_ms, rate=80),
            marked("v", EventType.DELETE, now_ms=ahead_ms),
            marked("v", EventType.DISMISSED, now_ms=ahead_ms),
            marked("v", EventType.UNWATCHED, now_ms=ahead_ms),
        )
    ):
        redis.flushall()
        store.batch([before])
        assert store.save(saved("v", 0, 95, now_ms=NOW_MS + number))
        point = store.get("ann", "v")
        assert (point.position, point.percent, point.watched) == (95, 95, True)
        assert not point.dismissed


def check_index(redis: Any) -> None:
    """Entries without a point leave the index, and a wrong clock removes nothing."""
    redis.flushall()
    store = resume_store(redis)
    for number in range(12):
        store.save(saved(f"v{number:02}", 12 - number))
    redis.delete("resume:ann:v00", "resume:ann:v05", "resume:ann:v11")
    store.save(saved("new", 0))
    videos = redis.zrange("recent:ann", 0, -1)
    assert "v00" not in videos
    assert "v05" not in videos
    assert len(videos) == 11
    month_later_ms = NOW_MS + 32 * 24 * AN_HOUR_MS
    store.save(saved("later", 0, now_ms=month_later_ms))
    videos = redis.zrange("recent:ann", 0, -1)
    assert len(videos) == 11
    assert all(redis.exists(f"resume:ann:{video}") for video in videos)
