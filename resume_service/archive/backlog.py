"""The backlog: the points in Redis that the archive does not have yet.

A save or a deletion adds an entry `<user>:<video>` with its time as score. A flush removes it.

Two saves in one millisecond give an entry the same score. So the score can't show whether a newer
save followed the one that was archived. Therefore a flush first claims entries: it replaces their
scores with its own negative number. After the commit, it removes the entries that still have that
number. A flush that crashes leaves its claims behind, and the next flush claims them again.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from resume_service.redis.pipeline import Pipeline
from resume_service.redis.script import Script
from resume_service.resume.keys import Keys

CLAIM_BITS = 52
"""Size of a claim's number. A score is a double, which stores 52 bits exactly."""
CLAIM = Script("claim.lua", "resume_service.archive")


class BacklogKind(Enum):
    """What the archive must do: erase a deleted point, or store a saved (dirty) one."""

    ERASED = "erased"
    DIRTY = "dirty"


class Claim(NamedTuple):
    """The entries of one key that one flush has claimed."""

    key: str
    number: int
    """The score of the claimed entries, below 0."""
    entries: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class BacklogStats:
    """The size and the age of the backlog."""

    dirty: int
    erased: int
    oldest_ms: int | None
    """Time of the oldest save or deletion, ms since 1970. None if the backlog is empty."""


class Backlog:
    """Every method may raise Unavailable."""

    def __init__(self, redis: Pipeline, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys.of_backlog()

    def keys_of(self, kind: BacklogKind) -> list[str]:
        """The Redis keys of one kind of entries."""
        return [getattr(keys, kind.value) for keys in self._keys]

    def claim(self, key: str, most: int) -> Claim:
        """Claim the oldest `most` entries of `key`."""
        number = -1 - secrets.randbits(CLAIM_BITS)
        return Claim(key, number, self._redis.run(CLAIM, [key], [number, most]))

    def erased_among(self, claim: Claim) -> set[str]:
        """The entries of `claim` that the archive must erase."""
        key = next(keys.erased for keys in self._keys if claim.key in keys)
        if claim.key == key:
            return set(claim.entries)
        if not self._redis.execute([(key, ("ZCARD", key))])[0]:
            return set()
        scores = self._redis.execute([(key, ("ZSCORE", key, entry)) for entry in claim.entries])
        return {
            entry for entry, score in zip(claim.entries, scores, strict=True) if score is not None
        }

    def release(self, claim: Claim) -> None:
        """Remove the claimed entries, except those with a new score from a later save or deletion."""
        command = ("ZREMRANGEBYSCORE", claim.key, claim.number, claim.number)
        self._redis.execute([(claim.key, command)])

    def counts(self, kind: BacklogKind) -> dict[str, int]:
        """The number of entries of each key. Empty keys are left out."""
        keys = self.keys_of(kind)
        counts = self._redis.execute([(key, ("ZCARD", key)) for key in keys])
        return {key: count for key, count in zip(keys, counts, strict=True) if count}

    def stats(self) -> BacklogStats:
        keys = [key for kind in BacklogKind for key in self.keys_of(kind)]
        oldest = self._redis.execute(
            [(key, ("ZRANGEBYSCORE", key, 0, "+inf", "WITHSCORES", "LIMIT", 0, 1)) for key in keys]
        )
        return BacklogStats(
            dirty=sum(self.counts(BacklogKind.DIRTY).values()),
            erased=sum(self.counts(BacklogKind.ERASED).values()),
            oldest_ms=min((int(float(first[1])) for first in oldest if first), default=None),
        )

    def restored(self) -> bool:
        """Whether Redis has the archived points. False after a Redis server lost its data."""
        exists = [(keys.restored, ("EXISTS", keys.restored)) for keys in self._keys]
        return all(self._redis.execute(exists))

    def set_restored(self, *, done: bool) -> None:
        """Record that Redis has the archived points, or that it needs a restore."""
        self._redis.execute(
            [
                (key, ("SET", key, 1) if done else ("DEL", key))
                for key in (keys.restored for keys in self._keys)
            ]
        )
