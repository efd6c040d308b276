"""The worker stops while its jobs fail."""

from __future__ import annotations

import threading
from datetime import datetime
from typing import Any

import pytest
from apscheduler.schedulers.base import STATE_RUNNING
from prometheus_client import CollectorRegistry

from resume_service.archive.cycle import CycleResult
from resume_service.archive.flush import FlushResult
from resume_service.archive.metrics import WorkerMetrics
from resume_service.errors import Unavailable
from resume_service.worker.daily import Daily
from resume_service.worker.loop import Loop
from tests.support.eventually import eventually


class IdleArchive:
    """An archive with an empty backlog."""

    def cycle(self, _should_stop: Any) -> CycleResult:
        return CycleResult(0, FlushResult())


@pytest.mark.timeout(60)
def test_a_daily_job_that_fails_during_the_stop_does_not_block_it():
    """Its retry changes the schedule, which a waiting shutdown of the scheduler must not lock."""
    started, may_fail = threading.Event(), threading.Event()

    def maintain(_now: datetime) -> Any:
        started.set()
        may_fail.wait(20)
        raise Unavailable

    loop = Loop(IdleArchive(), WorkerMetrics(CollectorRegistry()), interval=3600)
    Daily(maintain).add_to(loop.scheduler)
    loop.start()
    assert started.wait(20)
    stop = threading.Thread(target=loop.stop, daemon=True)
    stop.start()
    eventually(lambda: loop.scheduler.state != STATE_RUNNING)
    may_fail.set()
    stop.join(20)

    assert not stop.is_alive()
