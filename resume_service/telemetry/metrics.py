"""Every figure the service publishes, by name. `/metrics` serves them; see `ops/`."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

from prometheus_client import Counter, Histogram
from prometheus_client.registry import Collector

LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)

requests = Histogram(
    "resume_request_seconds",
    "Time to answer a request, by route template; its count is the number of requests.",
    ["method", "route", "status"],
    buckets=LATENCY_BUCKETS,
)
redis_commands = Histogram(
    "resume_redis_seconds",
    "Time of one round trip to Redis, failed ones included, by what it carried. Commands that come"
    " together share one.",
    ["operation"],
    buckets=LATENCY_BUCKETS,
)
redis_failures = Counter(
    "resume_redis_failures",
    "Round trips to Redis that failed, or were not tried because the last one had, and commands that"
    " Redis refused.",
    ["operation"],
)
saves = Counter(
    "resume_saves",
    "Saves by result: applied, or ignored because the stored point was measured later.",
    ["result"],
)
saves_applied = saves.labels("applied")
saves_ignored = saves.labels("ignored")
refused = Counter(
    "resume_refused",
    "Requests refused, by reason: unauthorized, forbidden, rate_limited.",
    ["reason"],
)
streams = Counter(
    "resume_streams",
    "Streams that sent bytes, by how they ended: whole, left (the client went), failed (the origin).",
    ["result"],
)
views_rewarded = Counter("resume_views_rewarded", "First streams of a video, which earned points.")


class SharedCollectors(NamedTuple):
    """Collectors of values that all processes share, such as the archive's backlog."""

    collectors: tuple[Collector, ...]


@functools.cache  # finding the series of three labels takes as long as adding to it
def _series(method: str, route: str, status: int) -> Any:
    return requests.labels(method, route, str(status))


def observe_request(method: str, route: str, status: int, seconds: float) -> None:
    """Count a request. The labels must come from closed sets, never from a caller."""
    _series(method, route, status).observe(seconds)


def observe_redis(operation: str, seconds: float) -> None:
    redis_commands.labels(operation).observe(seconds)
