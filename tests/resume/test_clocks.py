"""The clock of Redis decides the order of events, not the clocks of the hosts."""

from __future__ import annotations

import time
from datetime import datetime

import pytest

from resume_service.clock import epoch_ms, iso
from resume_service.redis.router import RedisRouter
from resume_service.redis.servers import OneServer
from resume_service.resume.event_arguments import EventArguments
from resume_service.resume.keys import Keys
from resume_service.resume.model import EventType, Mark, Measurement, PointSettings
from resume_service.resume.scripts import MERGE_POINT
from resume_service.resume.store import ResumeStore
from resume_service.settings import Settings
from tests.support.eventually import eventually
from tests.support.executed import Executed
from tests.support.resume_stores import resume_store

AN_HOUR_MS = 3_600_000
DAY_MS = 24 * AN_HOUR_MS


@pytest.fixture
def points(any_redis):
    """A store that uses the clock of Redis, as in production."""
    settings = PointSettings.from_settings(Settings())
    return Executed(ResumeStore(RedisRouter(OneServer(any_redis)), Keys(), settings, archive=True))


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def saved(position: float, host_ms: int, video: str = "v", age_ms: int = 0) -> Measurement:
    return Measurement("ann", video, now_ms() + host_ms, position, 1000, age_ms=age_ms)


def next_millisecond() -> None:
    began = now_ms()
    eventually(lambda: now_ms() > began)


def test_last_save_wins_between_hosts_with_clocks_an_hour_apart(points):
    for position, host_ms in ((10, AN_HOUR_MS), (20, -AN_HOUR_MS), (30, 0), (40, -AN_HOUR_MS)):
        assert points.save(saved(position, host_ms))
        assert points.get("ann", "v").position == position
        next_millisecond()
    assert not points.save(saved(50, AN_HOUR_MS, age_ms=1000))
    points.delete(Mark("ann", "v", now_ms() - AN_HOUR_MS, EventType.DELETE))
    next_millisecond()

    assert points.save(saved(60, -AN_HOUR_MS))
    assert points.get("ann", "v").position == 60


def test_save_that_was_held_back_on_its_way_does_not_win_over_a_newer_one(points, any_redis):
    latest_arrival = now_ms()
    assert points.save(saved(30, 0))
    # Redis executes the save of 20 s two seconds after its deadline: the test sets the deadline back.
    keys = Keys().of_point("ann", "v")
    arguments = EventArguments(PointSettings.from_settings(Settings()))
    held_back = arguments.of_measurement(
        saved(20, 0), keys, latest_arrival - 2000, wants_point=False
    )
    script_keys = [keys.point, keys.recent, keys.deleted, "live:ann"]

    number = any_redis.eval(MERGE_POINT.text, len(script_keys), *script_keys, *held_back)

    assert number < 0
    assert points.get("ann", "v").position == 30


def test_measured_at_is_the_time_of_redis_minus_the_age(points, any_redis):
    before = now_ms()
    points.save(saved(10, DAY_MS, age_ms=5000))
    after = now_ms()

    [(_, at_ms)] = any_redis.zrange("recent:ann", 0, -1, withscores=True)
    assert before - 5000 <= at_ms <= after - 5000


def test_a_host_clock_32_days_ahead_removes_nothing(points, any_redis):
    """Before, one save through such a host removed all other points from the list for good."""
    for number in range(3):
        points.save(saved(10, 0, video=f"v{number}"))
    points.save(saved(10, 32 * DAY_MS, video="ahead"))

    assert {each.video_id for each in points.list("ann", now_ms()).items} == {
        "v0", "v1", "v2", "ahead",
    }  # fmt: skip
    assert any_redis.zcard("recent:ann") == 4


@pytest.mark.parametrize("day", ["1970-01-02", "2024-02-29", "2100-03-01", "2399-12-31"])
def test_every_time_has_the_same_text_in_redis_and_in_python(any_redis, day):
    moment = datetime.fromisoformat(f"{day}T23:59:59.999+00:00")
    points = resume_store(any_redis)
    points.save(Measurement("ann", "v", epoch_ms(moment), 5))
    points.mark(Mark("ann", "v", epoch_ms(moment), EventType.DISMISSED))  # parses the text

    assert points.get("ann", "v").updated_at == iso(moment)
    [(_, at_ms)] = any_redis.zrange("recent:ann", 0, -1, withscores=True)
    assert at_ms == epoch_ms(moment)
