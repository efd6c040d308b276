"""Runs the archive's cycle at intervals and retries it after a failure."""

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
LAST_SECONDS = 20.0
"""Seconds after which the last flush starts no new batch. Docker's stop_grace_period is longer."""
LONGEST_DELAY = 15.0
"""Longest delay of a retry in seconds, before a random factor of 0.5 to 1.5."""
EXPECTED = (Unavailable, psycopg.Error, OSError)
"""Exceptions that a cycle raises when Redis or Postgres fails."""

_log = structlog.get_logger(__name__)


class Loop:
    """Runs a cycle every `interval` seconds; daily jobs can be added to its scheduler."""

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
        """Failed cycles since the last successful one."""
        self._stopping = threading.Event()
        self._executor = ThreadPoolExecutor()
        self.scheduler = BackgroundScheduler(executors={"default": self._executor}, timezone=UTC)

    def start(self) -> None:
        """Start the scheduler. The first cycle runs at once."""
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
        """Stop after the current batch, then flush once more."""
        self._stopping.set()
        # Wait for running jobs here: the scheduler waits with a lock, which a retry needs.
        self.scheduler.pause()
        self._executor.shutdown()
        self.scheduler.shutdown()
        deadline = time.monotonic() + LAST_SECONDS
        self._run_cycle(lambda: time.monotonic() > deadline)
        _log.info("worker stopped")

    def _run_cycle(self, should_stop: Callable[[], bool]) -> None:
        started = time.perf_counter()
        try:
            result = self._archive.cycle(should_stop)
        except psycopg.errors.LockNotAvailable:
            self._metrics.cycles.labels("skipped").inc()
        except Exception as fault:  # noqa: BLE001 - not swallowed: logged, counted and retried
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
        """Run the job that follows a flush. Its failure does not count as a failed cycle."""
        try:
            self._after_flush(should_stop)
        except Exception as fault:  # noqa: BLE001 - not swallowed: logged, and runs again next time
            cause = str(fault.__cause__ or fault).strip()
            _log.error(
                "not done after the flush", fault=cause, exc_info=not isinstance(fault, EXPECTED)
            )

    def _failed(self, fault: Exception) -> None:
        """Log the first failure in a row and each unexpected one. Retry with exponential backoff."""
        self._metrics.cycles.labels("failed").inc()
        expected = isinstance(fault, EXPECTED)
        if not self._failures or not expected:
            _log.error("cycle failed", fault=str(fault).strip(), exc_info=not expected)
        delay = min(2.0**self._failures, LONGEST_DELAY) * random.uniform(0.5, 1.5)  # noqa: S311
        self._failures += 1
        if not self._stopping.is_set():
            self.scheduler.modify_job(
                CYCLE, next_run_time=datetime.now(UTC) + timedelta(seconds=delay)
            )
