"""A sliding-window rate limit, shared by all processes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from resume_service.errors import TooManyRequests
from resume_service.rate_limits.limiter import Limit, RateLimiter
from resume_service.redis.router import RedisRouter
from resume_service.redis.servers import OneServer
from tests.support.executed import Executed

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
THREE = Limit("three", quota=3)


@pytest.fixture
def limiter(any_redis):
    return Executed(RateLimiter(RedisRouter(OneServer(any_redis))))


def at(seconds):
    return NOON + timedelta(seconds=seconds)


def is_allowed(limiter, seconds, user="ann"):
    try:
        limiter.hit(THREE, user, at(seconds))
    except TooManyRequests:
        return False
    return True


def test_no_window_of_a_minute_exceeds_the_quota(limiter):
    hits = [0, 30, 50, 59, 60, 61, 89, 90, 109, 110]

    assert [seconds for seconds in hits if is_allowed(limiter, seconds)] == [0, 30, 50, 60, 90, 110]


def test_refused_hit_does_not_count(limiter):
    for seconds in (0, 0, 0, *range(1, 60)):
        is_allowed(limiter, seconds)

    assert is_allowed(limiter, 60)


def test_refusal_has_the_seconds_until_the_next_hit(limiter):
    for seconds in (0, 10, 20):
        limiter.hit(THREE, "ann", at(seconds))
    with pytest.raises(TooManyRequests) as refused:
        limiter.hit(THREE, "ann", at(25))

    assert refused.value.headers == {
        "RateLimit-Policy": '"three";q=3;w=60', "RateLimit": '"three";r=0;t=35', "Retry-After": "35",
    }  # fmt: skip


def test_allowed_hit_has_the_remaining_quota(limiter):
    remaining = [
        limiter.hit(THREE, "ann", at(seconds)).headers["RateLimit"] for seconds in (0, 10, 20)
    ]

    assert remaining == ['"three";r=2;t=60', '"three";r=1;t=50', '"three";r=0;t=40']


def test_each_user_and_each_limit_has_its_own_quota(limiter):
    for _ in range(3):
        limiter.hit(THREE, "a:b", NOON)

    assert is_allowed(limiter, 0, "a%3Ab")
    assert is_allowed(limiter, 0, "a")
    limiter.hit(Limit("other", quota=1), "a:b", NOON)


def test_hits_of_a_host_with_a_late_clock_count_as_now(limiter):
    assert [is_allowed(limiter, seconds) for seconds in (0, -30, -59, 0)] == [True] * 3 + [False]


def test_hits_of_an_idle_user_expire(limiter, any_redis):
    limiter.hit(THREE, "ann", NOON)

    assert 0 < any_redis.pttl("limit:three:ann") <= 60_000


def test_concurrent_hits_never_exceed_the_quota(limiter):
    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(lambda _: is_allowed(limiter, 0), range(64)))

    assert results.count(True) == 3
