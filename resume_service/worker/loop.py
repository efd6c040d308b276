"""Runs the archive's cycle at regular intervals, and retries it after a failure.

A cycle restores Redis if Redis has lost its data, then copies new points to the archive.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import psycopg
import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from resume_service.archive.cycle import ArchiveCycle, CycleResult
from resume_service.archive.metrics import WorkerMetrics
from resume_service.errors import Unavailable

CYCLE = "cycle"
FINAL_FLUSH_SECONDS = 20.0
"""Seconds after which the final flush starts no new batch.

The stop_grace_period in Docker is longer than this, so Docker does not kill the final flush.
"""
MAX_RETRY_DELAY = 15.0
"""Maximum seconds before a retry. A random factor of 0.5 to 1.5 multiplies this delay."""
EXPECTED = (Unavailable, psycopg.Error, OSError)
"""Exceptions that a cycle raises when Redis or Postgres fails."""

_log = structlog.get_logger(__name__)


class Loop:
    """Runs a cycle every `interval` seconds. Callers may add other jobs to `scheduler`."""

    def __init__(
        self,
        archive: ArchiveCycle,
        metrics: WorkerMetrics,
        interval: float,
        after_flush: Callable[[Callable[[], bool]], object] = lambda _should_stop: None,
    ) -> None:
        self._archive = archive
        self._after_flush = after_flush
        self._metrics = metrics
        self._interval = interval
        self._failures = 0
        """Number of failed cycles since the last successful cycle."""
        self._stopping = threading.Event()
        self._executor = ThreadPoolExecutor()
        self.scheduler = BackgroundScheduler(executors={"default": self._executor}, timezone=UTC)

    def start(self) -> None:
        """Start the scheduler. The scheduler runs the first cycle immediately."""
        self.scheduler.add_job(
            lambda: self._run_cycle(self._stopping.is_set),
            "interval",
            seconds=self._interval,
            id=CYCLE,
            next_run_time=datetime.now(UTC),
            coalesce=True,
            misfire_grace_time=None,
        )
        self.scheduler.start()
        _log.info("worker started", interval=self._interval)

    def stop(self) -> None:
        """Wait for the end of the current batch, then flush one last time."""
        self._stopping.set()
        # `scheduler.shutdown` waits for running jobs while it has a lock. A failed job needs this
        # lock to plan its retry, which would be a deadlock. So wait for running jobs before.
        self.scheduler.pause()
        self._executor.shutdown()
        self.scheduler.shutdown()
        deadline = time.monotonic() + FINAL_FLUSH_SECONDS
        self._run_cycle(lambda: time.monotonic() > deadline)
        _log.info("worker stopped")

    def _run_cycle(self, should_stop: Callable[[], bool]) -> None:
        started = time.perf_counter()
        try:
            result = self._archive.cycle(should_stop)
        except psycopg.errors.LockNotAvailable:
            self._metrics.cycles.labels("skipped").inc()
        except Exception as fault:  # noqa: BLE001 - the error is logged and counted, and the cycle is retried
            self._failed(fault)
        else:
            self._succeeded(result)
            self._run_after_flush(should_stop)
        finally:
            self._metrics.seconds.observe(time.perf_counter() - started)

    def _succeeded(self, result: CycleResult) -> None:
        self._metrics.points.labels("restored").inc(result.restored)
        self._metrics.points.labels("archived").inc(result.flushed.archived)
        self._metrics.points.labels("erased").inc(result.flushed.erased)
        self._metrics.cycles.labels("done").inc()
        self._metrics.last_done.set_to_current_time()
        if self._failures:
            _log.info("archive is back", failures=self._failures)
            self._failures = 0

    def _run_after_flush(self, should_stop: Callable[[], bool]) -> None:
        """Run the job that follows a flush. If this job fails, the cycle is still successful."""
        try:
            self._after_flush(should_stop)
        except Exception as fault:  # noqa: BLE001 - the error is logged, and the next cycle runs the job again
            cause = str(fault.__cause__ or fault).strip()
            _log.error(
                "not done after the flush", fault=cause, exc_info=not isinstance(fault, EXPECTED)
            )

    def _failed(self, fault: Exception) -> None:
        """Plan a retry with exponential backoff, unless the worker stops.

        Logs an expected failure only if the previous cycle succeeded. Logs each unexpected failure.
        """
        self._metrics.cycles.labels("failed").inc()
        expected = isinstance(fault, EXPECTED)
        if not self._failures or not expected:
            _log.error("cycle failed", fault=str(fault).strip(), exc_info=not expected)
        delay = min(2.0**self._failures, MAX_RETRY_DELAY) * random.uniform(0.5, 1.5)  # noqa: S311
        self._failures += 1
        if not self._stopping.is_set():
            self.scheduler.modify_job(
                CYCLE, next_run_time=datetime.now(UTC) + timedelta(seconds=delay)
            )
