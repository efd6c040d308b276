"""Whether a server's core was busy: one that was not would have given more to a faster load."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

IDLE = slice(3, 5)
"""idle and iowait among a core's figures (man 5 proc_stat); guests' time is counted in user."""
FIGURES = 8


class Spent(NamedTuple):
    """Clock ticks since the machine started."""

    idle: int
    all: int


def spent(core: int) -> Spent:
    lines = Path("/proc/stat").read_text().splitlines()
    (own,) = (line for line in lines if line.startswith(f"cpu{core} "))
    ticks = [int(figure) for figure in own.split()[1:]][:FIGURES]
    return Spent(sum(ticks[IDLE]), sum(ticks))


def busy(before: Spent, after: Spent) -> float:
    """0 to 1."""
    return 1 - (after.idle - before.idle) / (after.all - before.all)
