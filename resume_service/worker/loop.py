"""The loop around the archive's cycle: it knows only time, and what to do after a failure."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import psycopg
import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from resume_service.archive.cycle import ArchiveCycle, CycleResult
from resume_service.archive.metrics import WorkerMetrics
from resume_service.errors import Unavailable

CYCLE = "cycle"
LAST_SECONDS = 20.0
"""What the last flush may take, well within the time that Docker leaves a container to stop."""
LONGEST_DELAY = 15.0
"""Seconds, before chance makes it up to half as much again."""
EXPECTED = (Unavailable, psycopg.Error, OSError)
"""What a cycle fails with when one of the two stores does."""

_log = structlog.get_logger(__name__)


class Loop:
    """Runs a cycle every `interval` seconds; daily jobs can be added to its scheduler."""

    def __init__(
        self,
        archive: ArchiveCycle,
        figures: WorkerMetrics,
        interval: float,
        after_flush: Callable[[Callable[[], bool]], object] = lambda _is_over: None,
    ) -> None:
        self._archive = archive
        self._after_flush = after_flush
        self._figures = figures
        self._interval = interval
        self._failures = 0
        """In a row."""
        self._stopping = threading.Event()
        self.scheduler = BackgroundScheduler(timezone=UTC)

    def start(self) -> None:
        """Run the first cycle at once."""
        self.scheduler.add_job(
            lambda: self._turn(self._stopping.is_set),
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
        """Stop after the batch under way, then flush once more."""
        self._stopping.set()
        self.scheduler.shutdown()
        deadline = time.monotonic() + LAST_SECONDS
        self._turn(lambda: time.monotonic() > deadline)
        _log.info("worker stopped")

    def _turn(self, should_stop: Callable[[], bool]) -> None:
        started = time.perf_counter()
        try:
            done = self._archive.cycle(should_stop)
        except psycopg.errors.LockNotAvailable:
            self._figures.cycles.labels("skipped").inc()
        except Exception as fault:  # noqa: BLE001 - not swallowed: logged, counted and tried again
            self._failed(fault)
        else:
            self._succeeded(done)
            self._follow(should_stop)
        finally:
            self._figures.seconds.observe(time.perf_counter() - started)

    def _succeeded(self, done: CycleResult) -> None:
        self._figures.points.labels("restored").inc(done.restored)
        self._figures.points.labels("archived").inc(done.flushed.archived)
        self._figures.points.labels("erased").inc(done.flushed.erased)
        self._figures.cycles.labels("done").inc()
        self._figures.last_done.set_to_current_time()
        if self._failures:
            _log.info("archive is back", failures=self._failures)
            self._failures = 0

    def _follow(self, should_stop: Callable[[], bool]) -> None:
        """Do what comes after a flush. It takes no part in the archive: its failure is its own."""
        try:
            self._after_flush(should_stop)
        except Exception as fault:  # noqa: BLE001 - not swallowed: logged, and tried again next time
            cause = str(fault.__cause__ or fault).strip()
            _log.error(
                "not done after the flush", fault=cause, exc_info=not isinstance(fault, EXPECTED)
            )

    def _failed(self, fault: Exception) -> None:
        """Log the first failure in a row, and try again sooner than the interval would."""
        self._figures.cycles.labels("failed").inc()
        expected = isinstance(fault, EXPECTED)
        if not self._failures or not expected:
            _log.error("cycle failed", fault=str(fault).strip(), exc_info=not expected)
        delay = min(2.0**self._failures, LONGEST_DELAY) * random.uniform(0.5, 1.5)  # noqa: S311
        self._failures += 1
        if not self._stopping.is_set():
            self.scheduler.modify_job(
                CYCLE, next_run_time=datetime.now(UTC) + timedelta(seconds=delay)
            )
