"""The metrics of the service. The route `/metrics` serves them."""

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
    "Seconds of a Redis round trip, also of a failed one, by operation. A shared round trip counts once"
    " for each operation.",
    ["operation"],
    buckets=LATENCY_BUCKETS,
)
redis_failures = Counter(
    "resume_redis_failures",
    "Redis round trips that failed or were not tried because the circuit breaker was open, and commands"
    " that Redis refused.",
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
    "Refused requests, by reason: unauthorized, forbidden, rate_limited.",
    ["reason"],
)
streams = Counter(
    "resume_streams",
    "Streams that sent bytes, by result: whole, left (the client disconnected), failed (the origin).",
    ["result"],
)
views_rewarded = Counter(
    "resume_views_rewarded", "First streams of a video that earned reward points."
)


class SharedCollectors(NamedTuple):
    """Collectors of values that all processes share, such as the archive's backlog."""

    collectors: tuple[Collector, ...]


@functools.cache  # the lookup of three labels takes as long as the observation
def _series(method: str, route: str, status: int) -> Any:
    return requests.labels(method, route, str(status))


def observe_request(method: str, route: str, status: int, seconds: float) -> None:
    """Count a request. The labels must come from fixed sets, never from client input."""
    _series(method, route, status).observe(seconds)


def observe_redis(operation: str, seconds: float) -> None:
    redis_commands.labels(operation).observe(seconds)
