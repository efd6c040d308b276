"""What lists of videos read of a user's points, on every kind of Redis."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from resume_service.clock import epoch_ms
from resume_service.errors import Unavailable
from resume_service.redis.operation import PAUSE
from resume_service.redis.router import RedisRouter
from resume_service.redis.servers import OneServer
from resume_service.resume.keys import Keys
from resume_service.resume.known_point import KnownPoint
from resume_service.resume.merge_state import NEVER
from resume_service.resume.model import EventType, Mark, Measurement, PointSettings
from resume_service.resume.point_scan import LATEST_MS, SLICE, PointScan
from resume_service.settings import Settings
from tests.support.executed import Executed

NOON_MS = epoch_ms(datetime(2026, 11, 20, 12, tzinfo=UTC))


def new_scan(redis_client):
    settings = PointSettings.from_settings(Settings())
    return PointScan(RedisRouter(OneServer(redis_client)), Keys(), settings)


@pytest.fixture
def scan(any_redis):
    return Executed(new_scan(any_redis))


def executed(operation):
    """The steps and the result of an operation."""
    steps = []
    try:
        step = next(operation)
        while True:
            steps.append(step)
            step = operation.send(step.pipeline.send(step) if step is not PAUSE else None)
    except StopIteration as done:
        return steps, done.value


@pytest.fixture
def save(points):
    def save(video, percent, second=0):
        at_ms = NOON_MS + 1000 * second
        points.save(Measurement("ann", video, at_ms, percent * 10, 1000))

    return save


@pytest.fixture
def mark(points):
    def mark(video, kind, second=60):
        event = Mark("ann", video, NOON_MS + 1000 * second, kind)
        points.delete(event) if kind is EventType.DELETE else points.mark(event)

    return mark


def videos(found):
    return [point.video_id for point in found.points]


def test_points_in_progress_are_newest_first_and_not_dismissed(scan, save, mark):
    for second, (video, percent) in enumerate([("1", 50), ("2", 95), ("3", 0), ("a:b%", 89.99)]):
        save(video, percent, second)
    save("4", 50, 5)
    mark("4", EventType.DISMISSED)
    mark("5", EventType.WATCHED)

    found = scan.in_progress("ann")
    assert videos(found) == ["a:b%", "1"]
    assert found.is_all
    assert found.points[1].position == 500


def test_a_limited_read_says_whether_more_points_are_in_progress(scan, save):
    for number in range(250):
        save(str(number), 50 if number % 2 else 100, number)
    newest = [str(number) for number in range(249, 0, -2)]

    for most in (1, 7, 124, 125, 126, None):
        found = scan.in_progress("ann", most)
        assert videos(found) == newest[:most]
        assert found.is_all == (most is None or most >= 125)


def test_a_user_without_points_has_nothing(scan):
    assert scan.in_progress("ann") == ([], True)
    assert scan.known("ann") == ([], {})


def test_known_videos_have_their_latest_events_and_deletions(scan, save, mark):
    save("1", 100, 1)
    save("2", 50, 2)
    save("3", 50, 3)
    mark("3", EventType.DISMISSED)
    mark("3", EventType.WATCHED)
    mark("4", EventType.UNWATCHED)
    save("5", 50, 5)
    mark("5", EventType.DELETE)
    save("tt0111161", 100, 6)

    known = scan.known("ann")
    marked = NOON_MS + 60_000
    assert known.points() == {
        "1": KnownPoint(NOON_MS + 1000, has_begun=False, qualified=NOON_MS + 1000),
        "2": KnownPoint(NOON_MS + 2000, has_begun=True, qualified=NEVER),
        "3": KnownPoint(NOON_MS + 3000, True, marked, marked=marked, dismissed=marked),  # noqa: FBT003
        "4": KnownPoint(NEVER, has_begun=False, qualified=NEVER, unwatched=marked),
    }
    assert [number for number, point in known.points().items() if point.exists] == ["3", "2", "1"]
    assert known.deletions == {"5": NOON_MS + 60_000}


def test_a_long_list_is_converted_in_pieces_so_that_other_requests_run_between_them(
    any_redis, save
):
    for number in range(1, 2 * SLICE + 2):
        save(str(number), 50)
    steps, found = executed(new_scan(any_redis).known("ann"))

    assert steps.count(PAUSE) == 2
    assert len(found.lines) == 2 * SLICE + 1


def test_keys_of_other_programs_and_expired_points_are_left_out(scan, save, any_redis):
    for number in range(1, 6):
        save(str(number), 50, number)
    any_redis.delete("resume:ann:1", "resume:ann:2", "resume:ann:3")
    any_redis.set("resume:ann:2", "text")
    any_redis.hset("resume:ann:3", "theirs", "1")
    any_redis.hset("resume:ann:4", "currentTime", "soon")

    assert videos(scan.in_progress("ann")) == ["5"]
    assert scan.known("ann").points().keys() == {"5"}


def test_times_in_the_index_of_another_program_are_times_that_postgres_accepts(
    scan, save, any_redis
):
    save("1", 50)
    save("2", 50)
    any_redis.zadd("recent:ann", {"1": NOON_MS + 0.5, "2": "inf"})
    any_redis.zadd("deleted:ann", {"3": "-inf"})

    known = scan.known("ann")
    assert {number: point.saved for number, point in known.points().items()} == {
        "1": NOON_MS,
        "2": LATEST_MS,
    }
    assert known.deletions == {"3": NEVER}


@pytest.mark.parametrize("line", ["", "1", "1 2", "1 x 1 0", "1 2 1 x", "1 2 1 0 0 0 0 0 0"])
def test_a_garbled_text_of_a_point_is_unavailable(line):
    with pytest.raises(Unavailable):
        KnownPoint.parse(line)


def test_in_a_cluster_all_keys_of_a_user_are_on_one_server():
    keys = Keys(hash_tags=True)
    of_point = keys.of_point("a:n}n", "1")

    assert keys.deletions_of("a:n}n") == of_point.deleted
    assert keys.of_user("a:n}n") == (of_point.recent, of_point.point_prefix)
