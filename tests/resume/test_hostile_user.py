"""A user who creates and deletes many points costs no more than RESUME_MAX_POINTS of each."""

from __future__ import annotations

import pytest

from resume_service.resume.model import EventType, Mark, Measurement
from tests.support.previous_version.store import PreviousStore
from tests.support.replay import NOW_MS
from tests.support.resume_stores import resume_store

LIMIT = 100
BATCH = 500
MARKS = (EventType.UNWATCHED, EventType.DISMISSED, EventType.UNDISMISSED, EventType.WATCHED)


@pytest.mark.soak
def test_points_marks_and_deletions_of_a_user_are_bounded(real_redis, effort):
    points = resume_store(real_redis, max_points=LIMIT)
    for start in range(0, effort(2000, 100_000), BATCH):
        events: list[Measurement | Mark] = []
        for number in range(start, start + BATCH):
            video, age_ms = f"film{number:06}", number % 1000
            events.append(Measurement("ann", video, NOW_MS, 95, 100, age_ms=age_ms + 1))
            events.append(Mark("ann", f"x{video}", NOW_MS, MARKS[number % 4], age_ms))
            if number % 3:
                events.append(Mark("ann", video, NOW_MS, EventType.DELETE, age_ms))
        points.batch(events)

    assert real_redis.zcard("recent:ann") == LIMIT
    assert real_redis.zcard("deleted:ann") == LIMIT
    assert len(real_redis.keys("resume:ann:*")) == LIMIT
    assert sorted(real_redis.keys("*:ann")) == ["deleted:ann", "recent:ann"]
    assert real_redis.dbsize() == LIMIT + 2


def test_a_tombstone_needs_at_most_120_bytes(real_redis):
    """With real ids: 50 deletions of each of 200 users, and one user with a full set."""
    points = resume_store(real_redis)
    before = real_redis.info("memory")["used_memory"]
    users = [(f"user_2abcDEF{number:012}", 50) for number in range(200)] + [("ann", 1000)]
    count = sum(deletions for _, deletions in users)
    for user, deletions in users:
        points.batch(
            [
                Mark(user, f"{number + 1000000}", NOW_MS, EventType.DELETE, number)
                for number in range(deletions)
            ]
        )

    assert (real_redis.info("memory")["used_memory"] - before) / count <= 120
    assert real_redis.zcard("deleted:ann") == 1000


def test_a_clean_point_needs_at_most_350_bytes(real_redis):
    """Clean: without an entry in the backlog. With real ids: 50 points of each of 200 users."""
    points = resume_store(real_redis)
    before = real_redis.info("memory")["used_memory"]
    for number in range(200):
        user, videos = f"user_2abcDEF{number:012}", range(1000000, 1000050)
        points.batch([Measurement(user, f"{video}", NOW_MS, video / 250, 5400) for video in videos])

    assert (real_redis.info("memory")["used_memory"] - before) / (200 * 50) <= 350
    assert real_redis.dbsize() == 200 * 51


@pytest.mark.parametrize("duration", [None, 5400])
def test_a_clean_point_has_the_same_hash_as_in_the_previous_version(real_redis, duration):
    """So it needs no more memory."""
    points, previous = resume_store(real_redis, archive=True), PreviousStore(real_redis)
    for number, position in enumerate((10, 1234.5, 5000, 5100, 5400)):
        previous.save("before", NOW_MS - 100 + number, position, duration)
        points.save(Measurement("ann", "now", NOW_MS, position, duration, age_ms=100 - number))

        before, now = (real_redis.hgetall(f"resume:ann:{video}") for video in ("before", "now"))
        assert now == before


@pytest.mark.parametrize("setting", [64, 512])
def test_state_of_a_point_fits_into_a_compact_hash_with_the_setting_of_deploy(real_redis, setting):
    points = resume_store(real_redis)
    default = real_redis.config_get("hash-max-ziplist-value")
    real_redis.config_set("hash-max-ziplist-value", setting)
    try:
        points.batch(
            [
                Measurement("ann", "v", NOW_MS, 95.5, 100, age_ms=9),
                Measurement("ann", "v", NOW_MS, 5.5, 100, age_ms=8, device="Living room TV"),
                *(Mark("ann", "v", NOW_MS, kind, 7) for kind in MARKS),
                Measurement("ann", "v", NOW_MS, rate=50, catalogue_duration=100, age_ms=6),
            ]
        )
        compact = real_redis.object("encoding", "resume:ann:v") in ("ziplist", "listpack")
    finally:
        real_redis.config_set("hash-max-ziplist-value", *default.values())

    assert real_redis.hexists("resume:ann:v", "state")
    assert compact is (setting == 512)
