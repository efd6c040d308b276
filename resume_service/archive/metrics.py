"""Metrics of the archive.

They are the backlog in Redis, which all processes share, and the counters of this worker process.
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric

from resume_service.archive.backlog import Backlog, BacklogStats
from resume_service.clock import Clock, epoch_ms
from resume_service.errors import Unavailable

FLUSH_BUCKETS = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0)


class BacklogCollector:
    """Reads the backlog from Redis at each scrape. Returns no metrics if Redis does not answer."""

    def __init__(self, backlog: Backlog, clock: Clock) -> None:
        self._backlog = backlog
        self._clock = clock

    def collect(self) -> Iterator[Metric]:
        try:
            stats = self._backlog.stats()
        except Unavailable:
            return
        backlog = GaugeMetricFamily(
            "resume_archive_backlog",
            "Points to archive (dirty) and points to erase from the archive (erased).",
            labels=["kind"],
        )
        backlog.add_metric(["dirty"], stats.dirty)
        backlog.add_metric(["erased"], stats.erased)
        yield backlog
        yield GaugeMetricFamily(
            "resume_archive_lag_seconds",
            "Seconds since the oldest save or mark in the backlog; 0 if there is none.",
            value=self._lag(stats),
        )

    def _lag(self, stats: BacklogStats) -> float:
        if stats.oldest_ms is None:
            return 0.0
        return max(0, epoch_ms(self._clock()) - stats.oldest_ms) / 1000


class WorkerMetrics:
    """Counters and times of one worker process since its start."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.points = Counter(
            "resume_archive_points",
            "Points by result: archived, erased, restored.",
            ["result"],
            registry=registry,
        )
        self.cycles = Counter(
            "resume_archive_cycles",
            "Cycles by result: done, failed, or skipped (another worker had the lock).",
            ["result"],
            registry=registry,
        )
        self.seconds = Histogram(
            "resume_archive_cycle_seconds",
            "Seconds that a cycle took, including failed cycles.",
            buckets=FLUSH_BUCKETS,
            registry=registry,
        )
        self.last_done = Gauge(
            "resume_archive_last_done_timestamp_seconds",
            "Time of the last successful cycle in seconds since 1970; 0 if no cycle succeeded yet.",
            registry=registry,
        )
