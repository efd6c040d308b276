"""The worker loop: intervals, retries after failures, metrics and the stop."""

from __future__ import annotations

import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from prometheus_client import CollectorRegistry

from dev.service import free_port
from resume_service.archive.cycle import CycleResult
from resume_service.archive.flush import FlushResult
from resume_service.archive.metrics import WorkerMetrics
from resume_service.errors import Unavailable
from resume_service.worker import loop as the_loop
from resume_service.worker import status_server
from resume_service.worker.loop import CYCLE, Loop
from tests.support.eventually import eventually


class FakeArchive:
    """Each cycle returns or raises the next of `outcomes`."""

    def __init__(self, *outcomes):
        self.outcomes = list(outcomes)
        self.cycles = 0

    def cycle(self, should_stop):
        self.cycles += 1
        outcome = self.outcomes.pop(0) if self.outcomes else CycleResult(0, FlushResult())
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


@pytest.fixture
def started():
    """`started(*outcomes)` starts a loop; returns the loop, its archive and its metrics."""
    loops = []

    def start(*outcomes, interval=0.05):
        registry = CollectorRegistry()
        archive = FakeArchive(*outcomes)
        loops.append(Loop(archive, WorkerMetrics(registry), interval))
        loops[-1].start()
        return loops[-1], archive, registry

    yield start
    for loop in loops:
        if loop.scheduler.running:
            loop.stop()


@pytest.fixture
def short_retry_delay(monkeypatch):
    """The test of the backoff checks the real delays."""
    monkeypatch.setattr(the_loop, "MAX_RETRY_DELAY", 0.01)


def cycles(registry, result):
    return registry.get_sample_value("resume_archive_cycles_total", {"result": result}) or 0


def test_a_cycle_runs_at_once_and_then_at_every_interval(started):
    _, archive, registry = started()
    eventually(lambda: archive.cycles >= 3)

    assert cycles(registry, "done") >= 2
    assert registry.get_sample_value("resume_archive_last_done_timestamp_seconds") > 0


def test_the_metrics_count_the_points_of_a_cycle(started):
    _, _, registry = started(CycleResult(3, FlushResult(archived=2, erased=1)))
    eventually(lambda: cycles(registry, "done"))

    for result, points in (("restored", 3), ("archived", 2), ("erased", 1)):
        labels = {"result": result}
        assert registry.get_sample_value("resume_archive_points_total", labels) == points


@pytest.mark.parametrize(
    "fault",
    [
        Unavailable("Redis: gone"),
        psycopg.OperationalError("gone"),
        OSError("gone"),
        KeyError("bug"),
    ],
)
@pytest.mark.usefixtures("short_retry_delay")
def test_a_failed_cycle_is_counted_and_retried(started, fault):
    _, archive, registry = started(fault)
    eventually(lambda: archive.cycles >= 2)

    assert cycles(registry, "failed") == 1
    eventually(lambda: cycles(registry, "done"))


@pytest.mark.usefixtures("short_retry_delay")
def test_consecutive_failures_are_logged_once_with_their_cause(started, logged):
    started(*[Unavailable("Redis: gone")] * 3, interval=0.01)
    eventually(lambda: any("archive is back" in line for line in logged), within=20)
    printed = "\n".join(logged)

    assert printed.count("cycle failed") == 1
    assert printed.count("Redis: gone") == 1


@pytest.mark.parametrize(("failures", "least", "most"), [(1, 0.5, 1.5), (3, 2, 6), (20, 7.5, 22.5)])
def test_the_retry_delay_grows_with_failures_up_to_a_maximum(started, failures, least, most):
    loop, _, registry = started(interval=600)
    eventually(lambda: cycles(registry, "done"))
    loop._failures = failures - 1
    began = datetime.now(UTC)
    loop._failed(Unavailable("gone"))
    ended = datetime.now(UTC)

    next_run = loop.scheduler.get_job(CYCLE).next_run_time
    assert began + timedelta(seconds=least) <= next_run <= ended + timedelta(seconds=most)


def test_a_cycle_skipped_for_another_worker_is_not_a_failure(started):
    _, _, registry = started(psycopg.errors.LockNotAvailable("busy"))
    eventually(lambda: cycles(registry, "done"))

    assert cycles(registry, "skipped") == 1
    assert cycles(registry, "failed") == 0


def test_a_stop_runs_one_last_cycle(started):
    loop, archive, _ = started(interval=60)
    eventually(lambda: archive.cycles == 1)
    loop.stop()

    assert archive.cycles == 2


def test_a_stop_ends_even_if_the_last_cycle_fails(started):
    loop, archive, registry = started(
        CycleResult(0, FlushResult()), Unavailable("gone"), interval=60
    )
    eventually(lambda: archive.cycles == 1)
    loop.stop()

    assert cycles(registry, "failed") == 1


def test_the_status_server_has_healthz_and_404_for_unknown_paths():
    port = free_port()
    server = status_server.serve("127.0.0.1", port, CollectorRegistry())
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz") as answer:
            assert answer.status == 200
        with pytest.raises(urllib.error.HTTPError) as missing:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/other")
        assert missing.value.code == 404
        missing.value.close()
    finally:
        server.shutdown()
        server.server_close()
