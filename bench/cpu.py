"""Measures how busy a server's core was. A server with idle time could serve more requests."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

IDLE = slice(3, 5)
"""Positions of idle and iowait in a line of /proc/stat (man 5 proc_stat)."""
FIGURES = 8
"""Figures to use. The guest times after them are already part of the user times."""


class CpuTime(NamedTuple):
    """Clock ticks since the machine started."""

    idle: int
    all: int


def cpu_time(core: int) -> CpuTime:
    lines = Path("/proc/stat").read_text().splitlines()
    (own,) = (line for line in lines if line.startswith(f"cpu{core} "))
    ticks = [int(figure) for figure in own.split()[1:]][:FIGURES]
    return CpuTime(sum(ticks[IDLE]), sum(ticks))


def busy(before: CpuTime, after: CpuTime) -> float:
    """The busy share of the time between two measurements, 0 to 1."""
    return 1 - (after.idle - before.idle) / (after.all - before.all)
