"""What the worker does after each flush, and what its failure does to the flush: nothing."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry

from resume_service.archive.cycle import CycleResult
from resume_service.archive.flush import FlushResult
from resume_service.archive.metrics import WorkerMetrics
from resume_service.errors import Unavailable
from resume_service.worker.loop import Loop
from tests.support.eventually import eventually


class AnArchive:
    """Takes note of when it flushed; fails when it is told to."""

    def __init__(self, happened, fault=None):
        self.happened = happened
        self.fault = fault

    def cycle(self, should_stop):
        self.happened.append("flush")
        if self.fault:
            raise self.fault
        return CycleResult(0, FlushResult())


@pytest.fixture
def running():
    """`running(archive, after)`: a loop that is started, and its figures."""
    loops = []

    def start(archive, after):
        registry = CollectorRegistry()
        loops.append(Loop(archive, WorkerMetrics(registry), 0.05, after))
        loops[-1].start()
        return lambda result: (
            registry.get_sample_value("resume_archive_cycles_total", {"result": result}) or 0
        )

    yield start
    for loop in loops:
        loop.stop()


def test_each_flush_is_followed_by_a_look_at_what_it_archived(running):
    happened = []
    running(AnArchive(happened), lambda should_stop: happened.append(should_stop()))
    eventually(lambda: len(happened) >= 4)

    assert happened[:4] == ["flush", False] * 2


@pytest.mark.parametrize("fault", [Unavailable(), ValueError("a defect")], ids=repr)
def test_a_look_that_fails_fails_no_flush_and_comes_again(running, fault):
    looks = []

    def look(_is_over):
        looks.append(1)
        raise fault

    cycles = running(AnArchive([]), look)
    eventually(lambda: len(looks) >= 3)

    assert cycles("done") >= 2
    assert cycles("failed") == 0


def test_after_a_flush_that_failed_nothing_is_looked_at(running):
    happened = []
    cycles = running(AnArchive(happened, Unavailable()), lambda _: happened.append("look"))
    eventually(lambda: cycles("failed") >= 1)

    assert set(happened) == {"flush"}
