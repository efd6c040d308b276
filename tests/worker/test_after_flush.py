"""The worker runs a job after each flush. A failed job does not affect the flush."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry

from resume_service.archive.cycle import CycleResult
from resume_service.archive.flush import FlushResult
from resume_service.archive.metrics import WorkerMetrics
from resume_service.errors import Unavailable
from resume_service.worker.loop import Loop
from tests.support.eventually import eventually


class FakeArchive:
    """Records each flush in `events`. With `fault`, each flush fails."""

    def __init__(self, events, fault=None):
        self.events = events
        self.fault = fault

    def cycle(self, should_stop):
        self.events.append("flush")
        if self.fault:
            raise self.fault
        return CycleResult(0, FlushResult())


@pytest.fixture
def running():
    """`running(archive, job)` starts a loop; returns a function for its counts of cycles."""
    loops = []

    def start(archive, job):
        registry = CollectorRegistry()
        loops.append(Loop(archive, WorkerMetrics(registry), 0.05, job))
        loops[-1].start()
        return lambda result: (
            registry.get_sample_value("resume_archive_cycles_total", {"result": result}) or 0
        )

    yield start
    for loop in loops:
        loop.stop()


def test_the_job_runs_after_each_flush(running):
    events = []
    running(FakeArchive(events), lambda should_stop: events.append(should_stop()))
    eventually(lambda: len(events) >= 4)

    assert events[:4] == ["flush", False] * 2


@pytest.mark.parametrize("fault", [Unavailable(), ValueError("a defect")], ids=repr)
def test_a_failed_job_fails_no_flush_and_runs_again(running, fault):
    runs = []

    def job(_should_stop):
        runs.append(1)
        raise fault

    cycles = running(FakeArchive([]), job)
    eventually(lambda: len(runs) >= 3)

    assert cycles("done") >= 2
    assert cycles("failed") == 0


def test_the_job_does_not_run_after_a_failed_flush(running):
    events = []
    cycles = running(FakeArchive(events, Unavailable()), lambda _: events.append("job"))
    eventually(lambda: cycles("failed") >= 1)

    assert set(events) == {"flush"}
