"""A sliding-window rate limiter. All processes and hosts share its data in Redis."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from resume_service.clock import epoch_ms
from resume_service.errors import TooManyRequests
from resume_service.redis.keys import escaped
from resume_service.redis.operation import Operation
from resume_service.redis.router import RedisRouter
from resume_service.redis.script import Script

SLIDING_WINDOW = Script("sliding_window.lua", "resume_service.rate_limits")


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit of `quota` requests in any period of `seconds`."""

    name: str
    quota: int
    seconds: int = 60

    def headers(self, left: int, seconds_until_next: int) -> dict[str, str]:
        """Return the response headers that draft-ietf-httpapi-ratelimit-headers defines."""
        return {
            "RateLimit-Policy": f'"{self.name}";q={self.quota};w={self.seconds}',
            "RateLimit": f'"{self.name}";r={left};t={seconds_until_next}',
        }


class Quota(NamedTuple):
    """The number of requests left after an accepted request, and the headers of the response."""

    left: int
    headers: dict[str, str]


class RateLimiter:
    """Stores the times of accepted requests in Redis, at `limit:<name>:<identifier>`.

    A key expires when its newest time is no longer in the window.
    """

    def __init__(self, redis: RedisRouter) -> None:
        self._redis = redis

    def hit(self, limit: Limit, identifier: str, now: datetime) -> Operation[Quota]:
        """Record a request of `identifier`, for example a user id or a client address.

        Raises TooManyRequests if the quota is used up. A refused request is not recorded. Raises
        Unavailable if Redis does not answer.
        """
        key = f"limit:{limit.name}:{escaped(identifier)}"
        args: list[str | int] = [epoch_ms(now), limit.seconds * 1000, limit.quota]
        accepted, left, ms = yield from self._redis.run("limit", SLIDING_WINDOW, [key], args)
        wait = max(1, math.ceil(ms / 1000))
        headers = limit.headers(left, wait)
        if not accepted:
            raise TooManyRequests(headers | {"Retry-After": str(wait)})
        return Quota(left, headers)
