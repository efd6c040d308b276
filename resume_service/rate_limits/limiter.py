"""Turns of a limit, counted over a window that slides: right across processes and hosts."""

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
    """So many turns in any `seconds` on end."""

    name: str
    quota: int
    seconds: int = 60

    def headers(self, left: int, seconds_until_next: int) -> dict[str, str]:
        """As draft-ietf-httpapi-ratelimit-headers has them."""
        return {
            "RateLimit-Policy": f'"{self.name}";q={self.quota};w={self.seconds}',
            "RateLimit": f'"{self.name}";r={left};t={seconds_until_next}',
        }


class Quota(NamedTuple):
    """A turn that was taken, and what tells the caller of those that are left."""

    left: int
    headers: dict[str, str]


class RateLimiter:
    """Keeps in Redis who has taken which turn, at `limit:<name>:<whom>`, for as long as it counts."""

    def __init__(self, redis: RedisRouter) -> None:
        self._redis = redis

    def hit(self, limit: Limit, whom: str, now: datetime) -> Quota:
        """Take a turn for `whom`.

        Raises TooManyRequests when there is none, which costs none, and Unavailable.
        """
        key = f"limit:{limit.name}:{escaped(whom)}"
        args: list[str | int] = [epoch_ms(now), limit.seconds * 1000, limit.quota]
        taken, left, ms = self._redis.run("limit", SLIDING_WINDOW, [key], args)
        wait = max(1, math.ceil(ms / 1000))
        headers = limit.headers(left, wait)
        if not taken:
            raise TooManyRequests(headers | {"Retry-After": str(wait)})
        return Quota(left, headers)
