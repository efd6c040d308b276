"""A flush killed or frozen at any moment loses nothing, doubles nothing and reverses nothing."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pytest

from dev.service import ROOT, free_port
from resume_service.archive.flush import Flush
from resume_service.archive.repository import IDLE_SECONDS
from tests.support.archive_load import Load
from tests.support.archive_stores import NO_ENTRIES
from tests.support.eventually import eventually
from tests.support.tokens import SECRET

MOMENTS = [f"{when} {step}" for step in Flush.STEPS for when in ("before", "after")]
PROGRAM = ROOT / "tests/support/flush_process.py"


@pytest.fixture
def env(stores) -> dict[str, str]:
    """The settings of a worker between `stores`."""
    port = stores.redis.connection_pool.connection_kwargs["port"]
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "JWT_SECRET": SECRET,
        "REDIS_URL": f"redis://127.0.0.1:{port}/0",
        "DATABASE_URL": stores.database_url,
        "FLUSH_INTERVAL_SECONDS": "1",
        "FLUSH_BATCH": "7",
        "WORKER_PORT": str(free_port()),
    }


@pytest.fixture
def flushes(env) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, PROGRAM], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True, cwd=ROOT, start_new_session=True,
    )  # fmt: skip
    with process:  # whose end closes the pipes
        try:
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # with any flush that stands still


def start(process, moment: str, number: signal.Signals) -> int:
    """Begin a flush that meets the signal `number` at `moment`; its pid."""
    process.stdin.write(f"{moment} {number.name}\n")
    process.stdin.flush()
    return int(process.stdout.readline())


def ended(process) -> int:
    return int(process.stdout.readline())


def assert_archived(stores, load: Load) -> None:
    """The archive is the model, row by row, after one clean flush."""
    stores.cycle()

    assert stores.rows() == load.model
    assert stores.entries() == NO_ENTRIES


def test_the_steps_are_all_there_are():
    """Each that a batch goes through can be named, so that none is left out here."""
    assert [name for name in Flush.STEPS if not callable(getattr(Flush, name))] == []
    assert set(Flush.STEPS) == {
        name for name in vars(Flush) if not name.startswith("_") and name.islower()
    } - {"run"}


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_killed_before_or_after_any_step_a_flush_loses_nothing(stores, flushes, effort):
    load = Load(stores.points)
    with load.running():
        for moment in MOMENTS * effort(1, 10):
            eventually(load.after(10))
            start(flushes, moment, signal.SIGKILL)
            assert ended(flushes) == -signal.SIGKILL, moment

    assert_archived(stores, load)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_killed_at_random_under_load_a_worker_loses_nothing(stores, flushes, effort):
    load, chance = Load(stores.points), random.Random(7)
    archived = 0
    with load.running():
        for _ in range(effort(25, 200)):
            eventually(load.after(5))
            worker = start(flushes, "flush endlessly", signal.SIGKILL)
            time.sleep(chance.uniform(0, 0.2))  # the moment is the variable, not a wait
            os.kill(worker, signal.SIGKILL)
            assert ended(flushes) == -signal.SIGKILL
            archived += bool(stores.rows())

    assert archived
    assert_archived(stores, load)


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_a_frozen_flush_that_is_released_later_overwrites_nothing(stores, flushes, effort):
    moments = ["after read", "after write"]
    for moment in effort(moments[:1], MOMENTS):
        stores.now[0] = stores.now[0].__class__.now(stores.now[0].tzinfo)
        stores.save("kept", 10)
        stores.save("deleted", 10)
        frozen = start(flushes, moment, signal.SIGSTOP)
        is_stopped = psutil.Process(frozen)
        eventually(lambda p=is_stopped: p.status() in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE))
        stores.pass_time(seconds=1)
        stores.save("kept", 20)
        stores.delete("deleted")
        began = time.monotonic()
        stores.cycle()
        waited = time.monotonic() - began
        os.kill(frozen, signal.SIGCONT)
        ended(flushes)

        assert waited < IDLE_SECONDS + 3
        assert [video for _, video in stores.rows()] == ["kept"], moment
        assert stores.row("kept")["position"] == 20, moment
        stores.cycle()
        assert [video for _, video in stores.rows()] == ["kept"], moment
        assert stores.entries() == NO_ENTRIES, moment


@pytest.mark.soak
def test_two_workers_at_once_do_no_harm(stores, flushes, effort):
    load = Load(stores.points)
    with load.running():
        for _ in range(effort(10, 200)):
            eventually(load.after(20))
            start(flushes, "after release", signal.SIGCONT)
            stores.archive.cycle()
            assert ended(flushes) == 0

    assert_archived(stores, load)
