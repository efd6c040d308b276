"""Steps of a batch run directly after each other."""

from __future__ import annotations

import gevent
import structlog.testing

from resume_service.server.batch import Batch


def test_a_step_that_fails_keeps_no_other_step_from_running():
    seen = []
    batch = Batch()
    batch.add(lambda: seen.append("first"))
    batch.add(lambda: 1 // 0)
    batch.add(lambda: seen.append("last"))
    with structlog.testing.capture_logs() as logs, gevent.Timeout(10):
        while len(seen) < 2:
            gevent.sleep(0)

    assert seen == ["first", "last"]
    assert [each["event"] for each in logs] == ["a step of a batch failed"]


def test_a_step_that_another_step_adds_runs_in_the_next_batch():
    seen = []
    batch = Batch()

    def step():
        batch.add(lambda: seen.append("added"))
        seen.append("adding")

    batch.add(step)
    batch.add(lambda: seen.append("beside it"))
    with gevent.Timeout(10):
        while len(seen) < 3:
            gevent.sleep(0)

    assert seen == ["adding", "beside it", "added"]
