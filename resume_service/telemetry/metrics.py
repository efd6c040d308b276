"""The metrics of the service. The route `/metrics` returns them."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any, NamedTuple

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from resume_service.telemetry.sums import CounterSum, HistogramSum

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
for _result in ("applied", "ignored"):
    saves.labels(_result)  # so that `/metrics` contains both from the start
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
live_streams = Gauge(
    "resume_live_streams",
    "Open live streams, in all processes together.",
    multiprocess_mode="livesum",
)
live_events = Counter(
    "resume_live_events",
    "Events that were sent to live streams, by event: points, point, gone, bye.",
    ["event"],
)
for _event in ("points", "point", "gone", "bye"):
    live_events.labels(_event)
live_coalesced = Counter(
    "resume_live_coalesced",
    "Changes that became a part of an event that had to wait. Slow readers and fast players cause them.",
)
live_refused = Counter(
    "resume_live_refused",
    "Refused live streams, by limit: each_user (8), LIVE_STREAMS of a process.",
    ["limit"],
)
for _limit in ("each_user", "LIVE_STREAMS"):
    live_refused.labels(_limit)


class SharedCollectors(NamedTuple):
    """Collectors of values that all processes share, such as the archive's backlog."""

    collectors: tuple[Collector, ...]


class SaveIntervalCollector:
    """The metric with RESUME_EVERY_SECONDS. All processes of a host have the same value."""

    def __init__(self, every_seconds: int | None) -> None:
        self._seconds = every_seconds or 0

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "resume_every_seconds",
            "RESUME_EVERY_SECONDS: players save at most once in this time; 0 if it is not set.",
            value=self._seconds,
        )


_sums: list[CounterSum | HistogramSum] | None = None
"""The sums that `flush` must write. None: each function below writes at once."""


def sum_in_memory() -> None:
    """From now on, keep sums in memory until `flush`. Only for a process with a single thread."""
    global _sums  # noqa: PLW0603 - a property of the process, like the metrics themselves
    _sums = []
    _forget_series()


def write_at_once() -> None:
    """End the effect of `sum_in_memory`."""
    global _sums  # noqa: PLW0603
    flush()
    _sums = None
    _forget_series()


def flush() -> None:
    """Add the sums in memory to the metrics that `/metrics` returns."""
    for each in _sums or ():
        each.flush()


def observe_request(method: str, route: str, status: int, seconds: float) -> None:
    """Record one request. The labels must come from fixed sets of values, never from client input."""
    _request_series(method, route, status).observe(seconds)


def count_save(applied: bool) -> bool:  # noqa: FBT001 - this function returns the same value
    """Record an applied or ignored save. Return `applied`."""
    _save_series("applied" if applied else "ignored").inc()
    return applied


def count_refused(reason: str) -> None:
    """Record a refused request. `reason` must come from a fixed set of values."""
    _refused_series(reason).inc()


def observe_redis(operation: str, seconds: float) -> None:
    _redis_series(operation).observe(seconds)


# Without these caches, finding the series takes as long as the observation.
@functools.cache
def _request_series(method: str, route: str, status: int) -> Any:
    return _histogram(requests.labels(method, route, str(status)))


@functools.cache
def _redis_series(operation: str) -> Any:
    return _histogram(redis_commands.labels(operation))


@functools.cache
def _save_series(result: str) -> Any:
    return _counter(saves.labels(result))


@functools.cache
def _refused_series(reason: str) -> Any:
    return _counter(refused.labels(reason))


def _forget_series() -> None:
    for cached in (_request_series, _redis_series, _save_series, _refused_series):
        cached.cache_clear()


def _histogram(series: Histogram) -> Histogram | HistogramSum:
    if _sums is None:
        return series
    summed = HistogramSum(series, LATENCY_BUCKETS)
    _sums.append(summed)
    return summed


def _counter(series: Counter) -> Counter | CounterSum:
    if _sums is None:
        return series
    summed = CounterSum(series)
    _sums.append(summed)
    return summed
