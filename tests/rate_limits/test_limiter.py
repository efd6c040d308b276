"""Turns of a limit: so many in any window, counted for all processes together."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from resume_service.errors import TooManyRequests
from resume_service.rate_limits.limiter import Limit, RateLimiter
from resume_service.redis.router import RedisRouter
from resume_service.redis.servers import OneServer

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
THREE = Limit("three", quota=3)


@pytest.fixture
def quota(any_redis):
    return RateLimiter(RedisRouter(OneServer(any_redis)))


def at(seconds):
    return NOON + timedelta(seconds=seconds)


def taken(quota, seconds, whom="ann"):
    try:
        quota.hit(THREE, whom, at(seconds))
    except TooManyRequests:
        return False
    return True


def test_a_window_slides_so_no_minute_ever_holds_more_turns_than_it_has(quota):
    asked = [0, 30, 50, 59, 60, 61, 89, 90, 109, 110]

    assert [seconds for seconds in asked if taken(quota, seconds)] == [0, 30, 50, 60, 90, 110]


def test_a_refused_turn_costs_none(quota):
    for seconds in (0, 0, 0, *range(1, 60)):
        taken(quota, seconds)

    assert taken(quota, 60)


def test_whoever_is_refused_is_told_when_the_next_turn_comes_free(quota):
    for seconds in (0, 10, 20):
        quota.hit(THREE, "ann", at(seconds))
    with pytest.raises(TooManyRequests) as refused:
        quota.hit(THREE, "ann", at(25))

    assert refused.value.headers == {
        "RateLimit-Policy": '"three";q=3;w=60', "RateLimit": '"three";r=0;t=35', "Retry-After": "35",
    }  # fmt: skip


def test_an_answer_tells_how_many_turns_are_left(quota):
    told = [quota.hit(THREE, "ann", at(seconds)).headers["RateLimit"] for seconds in (0, 10, 20)]

    assert told == ['"three";r=2;t=60', '"three";r=1;t=50', '"three";r=0;t=40']


def test_everybody_has_turns_of_its_own_and_every_limit_too(quota):
    for _ in range(3):
        quota.hit(THREE, "a:b", NOON)

    assert taken(quota, 0, "a%3Ab")
    assert taken(quota, 0, "a")
    quota.hit(Limit("other", quota=1), "a:b", NOON)


def test_a_host_whose_clock_is_behind_takes_turns_of_now(quota):
    assert [taken(quota, seconds) for seconds in (0, -30, -59, 0)] == [True] * 3 + [False]


def test_the_turns_of_who_comes_no_more_are_forgotten(quota, any_redis):
    quota.hit(THREE, "ann", NOON)

    assert 0 < any_redis.pttl("limit:three:ann") <= 60_000


def test_of_many_at_once_just_as_many_succeed_as_there_are_turns(quota):
    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(lambda _: taken(quota, 0), range(64)))

    assert results.count(True) == 3
