"""The backlog: the saves and deletions in Redis that the archive does not have yet.

The backlog consists of sorted sets in Redis. A save adds an entry `<user>:<video>` to a `dirty` set,
and a deletion adds the entry to an `erased` set. The score of the entry is the time of the save or
deletion (see `resume/backlog_entry.py`). A flush copies the changes to the archive, then removes the
entries.

The time can't show whether the user saved again during the flush, because two saves can have the
same time. Therefore a flush first claims entries: it replaces each score with a negative number
that no other flush uses. A later save or deletion replaces this number with a time again. After the
commit, the flush removes only the entries that still have its number. If a flush crashes, its
entries stay claimed, and the next flush claims these entries first.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

import structlog

from resume_service.redis.pipeline import Pipeline
from resume_service.redis.script import Script
from resume_service.resume.backlog_entry import ErasedEntry
from resume_service.resume.keys import Keys

CLAIM_BITS = 50
"""Number of random bits of a claim. A score is a double. It stores them and two bits of a fraction."""
CLAIM = Script("claim.lua", "resume_service.archive")

_log = structlog.get_logger(__name__)


class BacklogKind(Enum):
    """The kind of an entry: the point was deleted (erased), or the point was saved (dirty)."""

    ERASED = "erased"
    DIRTY = "dirty"


class Claim(NamedTuple):
    """The entries of one sorted set that a flush has claimed."""

    key: str
    number: int
    """The score of the claimed entries without its fraction. It is negative."""
    scores: dict[str, float]
    """The entries, each with its score before the claim.

    The score is negative if a flush that crashed had claimed the entry.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class BacklogStats:
    """The number of entries of each kind, and the time of the oldest `dirty` entry."""

    dirty: int
    erased: int
    oldest_ms: int | None
    """Arrival of the oldest save or mark, ms since 1970. None if no unclaimed `dirty` entry exists.

    The entry of a deletion has the time when the user deleted the point, perhaps offline and days
    before it arrived. So it does not show how long the entry waits.
    """


class Backlog:
    """The backlog in Redis. Every method that uses Redis may raise Unavailable."""

    def __init__(self, redis: Pipeline, keys: Keys) -> None:
        self._redis = redis
        self._all_keys = keys
        self._keys = keys.of_backlog()

    def keys_of(self, kind: BacklogKind) -> list[str]:
        """The keys of the sorted sets with entries of this kind."""
        return [getattr(keys, kind.value) for keys in self._keys]

    def claim(self, key: str, limit: int) -> Claim:
        """Claim at most `limit` entries of `key`: already claimed entries first, then the oldest."""
        number = -1 - secrets.randbits(CLAIM_BITS)
        claimed = iter(self._redis.run(CLAIM, [key], [number, limit]))
        scores = {entry: float(score) for entry, score in zip(claimed, claimed, strict=True)}
        return Claim(key, number, scores)

    def valid_among(self, claim: Claim) -> list[str]:
        """The claimed entries that name a point. Logs the others: another program wrote them."""
        valid = [entry for entry in claim.scores if self._all_keys.is_entry(entry)]
        for entry in set(claim.scores) - set(valid):
            _log.warning("not a point", key=claim.key, entry=entry)
        return valid

    def erased_among(self, claim: Claim) -> dict[str, ErasedEntry]:
        """The claimed entries that are also in an `erased` set: the points that were deleted."""
        key = next(keys.erased for keys in self._keys if claim.key in keys)
        if claim.key == key:
            return {entry: ErasedEntry.of(score) for entry, score in claim.scores.items()}
        if not self._redis.execute([(key, ("ZCARD", key))])[0]:
            return {}
        scores = self._redis.execute([(key, ("ZSCORE", key, entry)) for entry in claim.scores])
        return {
            entry: ErasedEntry.of(float(score))
            for entry, score in zip(claim.scores, scores, strict=True)
            if score is not None
        }

    def release(self, claim: Claim) -> None:
        """Remove the claimed entries. Entries with a new score, from a later change, stay."""
        command = ("ZREMRANGEBYSCORE", claim.key, claim.number, f"({claim.number + 1}")
        self._redis.execute([(claim.key, command)])

    def counts(self, kind: BacklogKind) -> dict[str, int]:
        """The number of entries of each key. The result omits keys without entries."""
        keys = self.keys_of(kind)
        counts = self._redis.execute([(key, ("ZCARD", key)) for key in keys])
        return {key: count for key, count in zip(keys, counts, strict=True) if count}

    def stats(self) -> BacklogStats:
        keys = self.keys_of(BacklogKind.DIRTY)
        oldest = self._redis.execute(
            [(key, ("ZRANGEBYSCORE", key, 0, "+inf", "WITHSCORES", "LIMIT", 0, 1)) for key in keys]
        )
        return BacklogStats(
            dirty=sum(self.counts(BacklogKind.DIRTY).values()),
            erased=sum(self.counts(BacklogKind.ERASED).values()),
            oldest_ms=min((int(float(first[1])) for first in oldest if first), default=None),
        )

    def restored(self) -> bool:
        """Whether a restore has copied the archived points to Redis since Redis last lost its data."""
        exists = [(keys.restored, ("EXISTS", keys.restored)) for keys in self._keys]
        return all(self._redis.execute(exists))

    def set_restored(self, *, done: bool) -> None:
        """Record in Redis that the restore is done, or that Redis needs a restore."""
        self._redis.execute(
            [
                (key, ("SET", key, 1) if done else ("DEL", key))
                for key in (keys.restored for keys in self._keys)
            ]
        )
