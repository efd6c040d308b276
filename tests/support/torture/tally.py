"""Counts of what the viewers saw, and the table that shows them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

EXAMPLES = 4
"""Number of examples that are kept of each fault."""


class Fault(StrEnum):
    """What a viewer must never see. Each is a column of the table."""

    WRONG_OWNER = "wrong owner"
    MIXED_UP = "mixed up"
    """Its own data, but not what it asked for."""
    WRONG_ACK = "wrong ack"
    """A save that the reply to another command acknowledged. Not every one can be seen."""
    LOST = "lost"
    """An acknowledged save or deletion that is not there at the end."""
    ERROR_500 = "500s"
    """Any status that the request should not get."""
    REFUSED = "refused"
    """No response: the connection ended or stayed silent."""
    UNREADABLE = "unreadable"
    """A point that is missing while the proxy makes values invalid. The service can't know it."""
    LATE = "late"
    """A command that took effect after its caller had got a 503. Tombstones will solve that."""


@dataclass
class Tally:
    """The counts of one phase. Times are in seconds."""

    are_values_garbled: bool = False
    """Whether a missing point is UNREADABLE. Otherwise it is LOST or MIXED_UP."""
    seen: Counter[str] = field(default_factory=Counter)
    faults: Counter[Fault] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    """The times of the responses that are no 503."""
    seconds_503: list[float] = field(default_factory=list)

    def fault(self, kind: Fault, example: str) -> None:
        self.faults[kind] += 1
        if sum(kind in each for each in self.examples) < EXAMPLES:
            self.examples.append(f"{kind}: {example}")

    @property
    def requests(self) -> int:
        return len(self.seconds) + len(self.seconds_503) + self.faults[Fault.REFUSED]

    @property
    def slowest(self) -> float:
        return max([*self.seconds, *self.seconds_503], default=0)

    def never(self) -> dict[str, int]:
        """Return the counts that must be zero and are not, except UNREADABLE and LATE."""
        allowed = (Fault.UNREADABLE, Fault.LATE)
        return {str(k): count for k, count in self.faults.items() if count and k not in allowed}

    def row(self, phase: str) -> str:
        """Return the line of the table that `HEADER` describes."""
        counts = [self.requests, self.seen["ok"], len(self.seconds_503)]
        counts += [self.faults[kind] for kind in Fault]
        times = [
            f"{percentile(self.seconds, 50) * 1000:.1f}",
            f"{percentile(self.seconds, 99) * 1000:.1f}",
            f"{max(self.seconds, default=0):.2f}",
            f"{max(self.seconds_503, default=0):.2f}",
        ]
        return _line(phase, [*map(str, counts), *times])


def percentile(values: list[float], percent: float) -> float:
    """Return the value that `percent` of the values do not exceed. 0 without values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] if ordered else 0.0


def _line(phase: str, cells: list[str]) -> str:
    return phase.ljust(30) + "".join(cell.rjust(12) for cell in cells)


HEADER = _line("phase", ["requests", "ok", "503", *Fault, "p50 ms", "p99 ms", "max s", "max 503 s"])
