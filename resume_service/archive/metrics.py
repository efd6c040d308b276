"""What the archive publishes: its backlog, by whoever is asked, and what the worker did."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric

from resume_service.archive.backlog import Backlog, BacklogStats
from resume_service.clock import epoch_ms
from resume_service.errors import Unavailable

FLUSH_BUCKETS = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0)


class BacklogCollector:
    """Measures the backlog when it is asked for; absent while Redis does not answer."""

    def __init__(self, backlog: Backlog, clock: Callable[[], datetime]) -> None:
        self._backlog = backlog
        self._clock = clock

    def describe(self) -> list[Metric]:
        """Nothing: or it would be measured when it is registered."""
        return []

    def collect(self) -> Iterator[Metric]:
        try:
            stats = self._backlog.stats()
        except Unavailable:
            return
        waiting = GaugeMetricFamily(
            "resume_archive_backlog",
            "Points that wait to be archived (dirty) or to be erased from the archive (erased).",
            labels=["kind"],
        )
        waiting.add_metric(["dirty"], stats.dirty)
        waiting.add_metric(["erased"], stats.erased)
        yield waiting
        yield GaugeMetricFamily(
            "resume_archive_lag_seconds",
            "How long ago the oldest of the backlog was measured or deleted; 0 without a backlog.",
            value=self._lag(stats),
        )

    def _lag(self, stats: BacklogStats) -> float:
        if stats.oldest_ms is None:
            return 0.0
        return max(0, epoch_ms(self._clock()) - stats.oldest_ms) / 1000


class WorkerMetrics:
    """What one worker did since it started."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.points = Counter(
            "resume_archive_points",
            "Points carried, by what became of them: archived, erased, restored.",
            ["result"],
            registry=registry,
        )
        self.cycles = Counter(
            "resume_archive_cycles",
            "Cycles of the worker by result: done, skipped for another worker, failed.",
            ["result"],
            registry=registry,
        )
        self.seconds = Histogram(
            "resume_archive_cycle_seconds",
            "Time that a cycle took, failed ones included.",
            buckets=FLUSH_BUCKETS,
            registry=registry,
        )
        self.last_done = Gauge(
            "resume_archive_last_done_timestamp_seconds",
            "When the worker last finished a cycle, seconds since 1970; 0 before the first.",
            registry=registry,
        )
