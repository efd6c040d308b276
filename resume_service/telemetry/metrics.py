"""The metrics of the service. The route `/metrics` returns them."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

from prometheus_client import Counter, Histogram
from prometheus_client.registry import Collector

LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)

requests = Histogram(
    "resume_request_seconds",
    "Seconds to answer a request, by route template. The count is the number of requests.",
    ["method", "route", "status"],
    buckets=LATENCY_BUCKETS,
)
redis_commands = Histogram(
    "resume_redis_seconds",
    "Seconds of Redis round trips, including failed ones, by operation. If several operations share a"
    " round trip, it is recorded once for each of them.",
    ["operation"],
    buckets=LATENCY_BUCKETS,
)
redis_failures = Counter(
    "resume_redis_failures",
    "Redis round trips that failed, and commands that Redis refused. Includes calls that were not sent"
    " because the circuit breaker was open.",
    ["operation"],
)
stray_replies = Counter(
    "resume_redis_stray_replies",
    "Connections to Redis that were closed because a reply belonged to none of their commands.",
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
    "Refused requests, by reason: unauthorized, forbidden, rate_limited.",
    ["reason"],
)
streams = Counter(
    "resume_streams",
    "Streams that sent bytes, by result: whole, left (the client disconnected), failed (the origin failed).",
    ["result"],
)
views_rewarded = Counter(
    "resume_views_rewarded",
    "Streams that earned reward points. A user earns these points once per video.",
)


class SharedCollectors(NamedTuple):
    """Collectors of values that all processes share, such as the archive's backlog."""

    collectors: tuple[Collector, ...]


@functools.cache  # without a cache, finding the series takes as long as the observation
def _series(method: str, route: str, status: int) -> Any:
    return requests.labels(method, route, str(status))


def observe_request(method: str, route: str, status: int, seconds: float) -> None:
    """Record one request. The labels must come from fixed sets of values, never from client input."""
    _series(method, route, status).observe(seconds)


def count_save(applied: bool) -> bool:  # noqa: FBT001 - this function returns the same value
    """Record an applied or ignored save. Return `applied`."""
    (saves_applied if applied else saves_ignored).inc()
    return applied


def count_refused(reason: str) -> None:
    """Record a refused request. `reason` must come from a fixed set of values."""
    refused.labels(reason).inc()


def observe_redis(operation: str, seconds: float) -> None:
    redis_commands.labels(operation).observe(seconds)


def sum_in_memory() -> None: ...


def flush() -> None: ...
