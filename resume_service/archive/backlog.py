"""The marks in Redis of what is not archived yet: made by the store, claimed and removed here.

Two saves of one millisecond give a mark the same time, so no time tells whether a mark still stands
for what was archived. So a flush first claims marks: it gives them a negative number of its own in
place of their time. What still has that number after the commit can go. A flush that dies leaves
its claims behind, and the next one claims them anew.
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
"""A score is a double: so many bits are exact."""
CLAIM = Script("claim.lua", "resume_service.archive")


class BacklogKind(Enum):
    """What a mark says about a point."""

    ERASED = "erased"
    DIRTY = "dirty"


class Claim(NamedTuple):
    """Marks that one flush has made its own."""

    key: str
    number: int
    """Below 0."""
    entries: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class BacklogStats:
    """What is not archived yet."""

    dirty: int
    erased: int
    oldest_ms: int | None
    """When the oldest of it was measured or deleted, ms since 1970; None when there is none."""


class Backlog:
    """Every method may raise Unavailable."""

    def __init__(self, redis: Pipeline, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys.of_backlog()

    def places(self, kind: BacklogKind) -> list[str]:
        """The keys that hold marks of a kind."""
        return [getattr(each, kind.value) for each in self._keys]

    def claim(self, place: str, most: int) -> Claim:
        """Claim the oldest `most` entries at `place`."""
        number = -1 - secrets.randbits(CLAIM_BITS)
        return Claim(place, number, self._redis.run(CLAIM, [place], [number, most]))

    def erased_among(self, claim: Claim) -> set[str]:
        """The marks of `claim` whose points have been deleted and not yet erased."""
        place = next(each.erased for each in self._keys if claim.key in each)
        if claim.key == place:
            return set(claim.entries)
        if not self._redis.execute([(place, ("ZCARD", place))])[0]:
            return set()
        scores = self._redis.execute([(place, ("ZSCORE", place, entry)) for entry in claim.entries])
        return {
            entry for entry, score in zip(claim.entries, scores, strict=True) if score is not None
        }

    def release(self, claim: Claim) -> None:
        """Remove what was claimed, but for the marks that have been made anew since."""
        command = ("ZREMRANGEBYSCORE", claim.key, claim.number, claim.number)
        self._redis.execute([(claim.key, command)])

    def counts(self, kind: BacklogKind) -> dict[str, int]:
        """How many marks each place holds, without those that hold none."""
        places = self.places(kind)
        counted = self._redis.execute([(place, ("ZCARD", place)) for place in places])
        return {place: count for place, count in zip(places, counted, strict=True) if count}

    def stats(self) -> BacklogStats:
        places = [place for kind in BacklogKind for place in self.places(kind)]
        oldest = self._redis.execute(
            [
                (place, ("ZRANGEBYSCORE", place, 0, "+inf", "WITHSCORES", "LIMIT", 0, 1))
                for place in places
            ]
        )
        return BacklogStats(
            dirty=sum(self.counts(BacklogKind.DIRTY).values()),
            erased=sum(self.counts(BacklogKind.ERASED).values()),
            oldest_ms=min((int(float(first[1])) for first in oldest if first), default=None),
        )

    def restored(self) -> bool:
        """Whether Redis holds what the archive has; a server that lost its data says no."""
        asked = [(each.restored, ("EXISTS", each.restored)) for each in self._keys]
        return all(self._redis.execute(asked))

    def set_restored(self, *, done: bool) -> None:
        """Note that it does, or that it has to be restored."""
        self._redis.execute(
            [
                (key, ("SET", key, 1) if done else ("DEL", key))
                for key in (each.restored for each in self._keys)
            ]
        )
