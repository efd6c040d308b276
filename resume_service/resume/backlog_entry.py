"""The entries of the archive's backlog, and their scores.

The score of a `dirty` entry is the arrival of the save or mark, ms since 1970. The score of an
`erased` entry is the time of the deletion, and a fraction. The fraction says how much is known of
the deletion. A flush that claims the entry replaces the time, but keeps the fraction.
"""

from __future__ import annotations

import math
from enum import Enum
from typing import NamedTuple

from resume_service.redis.call import KeyedCommand
from resume_service.resume.keys import PointKeys


class Erasure(Enum):
    """What an `erased` entry says of its deletion. The value is the fraction of the score."""

    BY_0_4 = 0.0
    """Version 0.4 deleted the point. It leaves no tombstone."""
    EARLY = 0.25
    """In a cluster, a deletion was about to run. If it failed, it has left no tombstone."""
    DONE = 0.5
    """The point was deleted. If the tombstone is missing, it was older than the newest ones."""


class ErasedEntry(NamedTuple):
    """An `erased` entry of the backlog."""

    erasure: Erasure
    at_ms: int
    """Time of the deletion, ms since 1970. Negative if it is unknown: a flush has crashed."""

    @classmethod
    def of(cls, score: float) -> ErasedEntry:
        """Interpret a score. An unknown fraction counts as a deletion by version 0.4."""
        at_ms = math.floor(score)
        known = (each for each in Erasure if each.value == score - at_ms)
        return cls(next(known, Erasure.BY_0_4), at_ms)


class BacklogEntry(NamedTuple):
    """An entry that a request adds to the backlog in a cluster."""

    keys: PointKeys
    at_ms: int
    """Time of the entry, ms since 1970.

    A deletion that is done has its time by the clock of its Redis server. The other entries have the
    arrival by the clock of this host.
    """
    erasure: Erasure | None = None
    """None: the point was saved or marked."""

    def command(self) -> KeyedCommand:
        if self.erasure is None:
            return self.keys.dirty, ("ZADD", self.keys.dirty, self.at_ms, self.keys.entry)
        key, score = self.keys.erased, f"{self.at_ms + self.erasure.value:.2f}"
        if self.erasure is Erasure.EARLY:
            # An earlier deletion may be done, and its tombstone gone. Its entry must stay.
            return key, ("ZADD", key, "NX", score, self.keys.entry)
        return key, ("ZADD", key, score, self.keys.entry)
