"""A flush that is killed or frozen at any step loses, duplicates and reverts no point."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import psutil
import pytest

from dev.service import ROOT, free_port
from resume_service.archive.flush import Flush
from resume_service.archive.repository import IDLE_SECONDS, LOCK_SECONDS
from tests.support.archive_load import Load
from tests.support.archive_stores import NO_ENTRIES
from tests.support.eventually import eventually
from tests.support.tokens import SECRET

MOMENTS = [f"{when} {step}" for step in Flush.STEPS for when in ("before", "after")]
PROGRAM = ROOT / "tests/support/flush_process.py"


@pytest.fixture
def env(stores) -> dict[str, str]:
    """The environment of a worker for `stores`."""
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
def flush_process(env) -> Iterator[subprocess.Popen[str]]:
    """The program `flush_process.py`, which flushes on request."""
    process = subprocess.Popen(
        [sys.executable, PROGRAM], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True, cwd=ROOT, start_new_session=True,
    )  # fmt: skip
    with process:  # closes the pipes
        try:
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # also a frozen flush


@pytest.fixture
def load(stores) -> Load:
    stores.use_the_clock_of_redis()
    return Load(stores.points)


def start_flush(process, moment: str, number: signal.Signals, idle: int = IDLE_SECONDS) -> int:
    """Start a flush that gets the signal `number` at `moment`. Returns its pid.

    Postgres ends its session if it hangs for `idle` seconds inside a transaction.
    """
    process.stdin.write(f"{moment} {number.name} {idle}\n")
    process.stdin.flush()
    return int(process.stdout.readline())


def exit_code(process) -> int:
    """Wait for the end of the flush."""
    return int(process.stdout.readline())


def assert_archived(stores, load: Load) -> None:
    """After one more flush, the archive must be equal to the model."""
    stores.cycle()

    assert stores.rows() == load.model
    assert stores.entries() == NO_ENTRIES


def test_the_list_of_steps_is_complete():
    """The other tests interrupt a flush at each listed step."""
    assert [name for name in Flush.STEPS if not callable(getattr(Flush, name))] == []
    assert set(Flush.STEPS) == {
        name for name in vars(Flush) if not name.startswith("_") and name.islower()
    } - {"run"}


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_a_flush_killed_before_or_after_any_step_loses_nothing(stores, flush_process, load, effort):
    with load.running():
        for moment in MOMENTS * effort(1, 10):
            eventually(load.after(10))
            start_flush(flush_process, moment, signal.SIGKILL)
            assert exit_code(flush_process) == -signal.SIGKILL, moment

    assert_archived(stores, load)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_a_worker_killed_at_random_under_load_loses_nothing(stores, flush_process, load, effort):
    chance = random.Random(7)
    archived = 0
    with load.running():
        for _ in range(effort(15, 200)):
            eventually(load.after(5))
            worker = start_flush(flush_process, "flush endlessly", signal.SIGKILL)
            time.sleep(chance.uniform(0, 0.2))  # the kill must hit a random moment
            os.kill(worker, signal.SIGKILL)
            assert exit_code(flush_process) == -signal.SIGKILL
            archived += bool(stores.rows())

    assert archived
    assert_archived(stores, load)


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_a_frozen_flush_overwrites_nothing_when_it_continues(stores, flush_process, effort):
    assert IDLE_SECONDS < LOCK_SECONDS
    idle = effort(1, IDLE_SECONDS)
    for moment in effort(["after read"], MOMENTS):
        stores.now[0] = datetime.now(UTC)
        stores.save("saved", 10)
        stores.save("deleted", 10)
        frozen = psutil.Process(start_flush(flush_process, moment, signal.SIGSTOP, idle))
        eventually(lambda p=frozen: p.status() in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE))
        stores.pass_time(seconds=1)
        stores.save("saved", 20)
        stores.delete("deleted")
        started = time.monotonic()
        stores.cycle()
        waited = time.monotonic() - started
        frozen.send_signal(signal.SIGCONT)
        exit_code(flush_process)

        assert waited < idle + 3
        assert [video for _, video in stores.rows()] == ["saved"], moment
        assert stores.row("saved")["position"] == 20, moment
        stores.cycle()
        assert [video for _, video in stores.rows()] == ["saved"], moment
        assert stores.entries() == NO_ENTRIES, moment


@pytest.mark.soak
def test_two_concurrent_workers_lose_nothing(stores, flush_process, load, effort):
    with load.running():
        for _ in range(effort(10, 200)):
            eventually(load.after(20))
            start_flush(flush_process, "after release", signal.SIGCONT)
            stores.archive.cycle()
            assert exit_code(flush_process) == 0

    assert_archived(stores, load)
