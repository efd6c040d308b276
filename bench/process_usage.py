"""CPU time and memory of a contestant, as the kernel counts them for its processes.

A contestant runs in its own session, so its processes are those of the session. The first process
counts too, even if it only supervises. Redis and the load generator are in other sessions.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

SESSION = 3
CPU_TIMES = slice(11, 13)
"""User and system time of all threads, in clock ticks."""
PAGES = 21
"""Resident memory, in pages. All positions count from the state (man 5 proc_pid_stat)."""


def cpu_seconds(session: int) -> float:
    """CPU seconds that the processes of `session` have used since they started."""
    ticks = sum(int(ticks) for stat in _stats(session) for ticks in stat[CPU_TIMES])
    return ticks / os.sysconf("SC_CLK_TCK")


def resident_bytes(session: int) -> int:
    """Resident memory of the processes of `session`, in bytes. Shared pages count repeatedly."""
    return sum(int(stat[PAGES]) for stat in _stats(session)) * os.sysconf("SC_PAGE_SIZE")


def _stats(session: int) -> Iterator[list[str]]:
    for directory in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError, ProcessLookupError):  # the process has ended
            # The name of the program, in parentheses, may contain spaces.
            stat = (directory / "stat").read_text().rpartition(")")[2].split()
            if int(stat[SESSION]) == session:
                yield stat
