"""A sliding-window rate limiter in Redis, shared by all processes and hosts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from resume_service.clock import epoch_ms
from resume_service.errors import TooManyRequests
from resume_service.redis.keys import escaped
from resume_service.redis.router import RedisRouter
from resume_service.redis.script import Script

SLIDING_WINDOW = Script("sliding_window.lua", "resume_service.rate_limits")


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `quota` requests in any period of `seconds`."""

    name: str
    quota: int
    seconds: int = 60

    def headers(self, left: int, seconds_until_next: int) -> dict[str, str]:
        """Return the response headers of draft-ietf-httpapi-ratelimit-headers."""
        return {
            "RateLimit-Policy": f'"{self.name}";q={self.quota};w={self.seconds}',
            "RateLimit": f'"{self.name}";r={left};t={seconds_until_next}',
        }


class Quota(NamedTuple):
    """The number of requests left after an accepted one, and its response headers."""

    left: int
    headers: dict[str, str]


class RateLimiter:
    """Stores the times of accepted requests in Redis, at `limit:<name>:<identifier>`.

    The key expires when the last of them has left the window.
    """

    def __init__(self, redis: RedisRouter) -> None:
        self._redis = redis

    def hit(self, limit: Limit, identifier: str, now: datetime) -> Quota:
        """Count a request of `identifier`, for example a user id or a client address.

        Raises TooManyRequests if the quota is used up; that request is not counted. Raises
        Unavailable if Redis does not answer.
        """
        key = f"limit:{limit.name}:{escaped(identifier)}"
        args: list[str | int] = [epoch_ms(now), limit.seconds * 1000, limit.quota]
        accepted, left, ms = self._redis.run("limit", SLIDING_WINDOW, [key], args)
        wait = max(1, math.ceil(ms / 1000))
        headers = limit.headers(left, wait)
        if not accepted:
            raise TooManyRequests(headers | {"Retry-After": str(wait)})
        return Quota(left, headers)
