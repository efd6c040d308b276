"""Faults of any server. Inside a context the server fails; after it the server works again."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator

import psutil

from dev.child_process import ChildProcess
from tests.support.eventually import eventually

HALTED = (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)


@contextlib.contextmanager
def killed(server: ChildProcess) -> Iterator[None]:
    server.kill()
    try:
        yield
    finally:
        server.start()


@contextlib.contextmanager
def frozen(*servers: ChildProcess) -> Iterator[None]:
    """The servers and their children accept connections but never answer.

    A test may kill them inside the context.
    """
    halted = [process for server in servers for process in _halt(server.pid)]
    try:
        yield
    finally:
        for process in halted:
            _send(process, signal.SIGCONT)


def _halt(pid: int) -> list[psutil.Process]:
    parent = psutil.Process(pid)
    parent.suspend()
    eventually(lambda: _is_halted(parent))  # from now on it creates no more children
    family = [parent, *parent.children(recursive=True)]
    for process in family:
        _send(process, signal.SIGSTOP)
    eventually(lambda: all(_is_halted(process) for process in family))
    return family


def _send(process: psutil.Process, number: signal.Signals) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):  # a child may end at any time
        process.send_signal(number)


def _is_halted(process: psutil.Process) -> bool:
    try:
        return process.status() in HALTED
    except psutil.NoSuchProcess:
        return True
