"""Carries what is marked in Redis to Postgres, a batch in a transaction.

Each batch takes Postgres' lock first and reads Redis only then, so what it writes is never staler
than what another worker has written. A worker that stands still loses its session, and the lock
with it, before anybody goes on. Marks go after the commit. So a flush may die at any instruction:
what it did not finish still has its mark, and doing it twice is the same as once.

A point that was deleted and saved again has a mark of each kind. It is erased first and archived
then, whichever mark comes up: what the archive knew of it before must not come back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from resume_service.archive.backlog import Backlog, BacklogKind, Claim
from resume_service.archive.repository import ArchiveRepository
from resume_service.resume.bulk_store import BulkStore, StoredPoint
from resume_service.resume.model import FirstTimes


@dataclass(slots=True)
class FlushResult:
    """What a flush did."""

    archived: int = 0
    erased: int = 0
    complete: bool = True
    """False when it was told to stop before the end."""


class Flush:
    """One flush on one connection. Its steps are methods, in the order of their names below."""

    STEPS = ("begin", "claim", "read", "write", "commit", "set_first_times", "release")

    def __init__(
        self, rows: ArchiveRepository, backlog: Backlog, points: BulkStore, batch: int
    ) -> None:
        self._rows = rows
        self._backlog = backlog
        self._points = points
        self._batch = batch

    def run(self, should_stop: Callable[[], bool] = lambda: False) -> FlushResult:
        """Flush every mark that there is when it begins; stops between batches when `should_stop()`.

        Raises Unavailable and psycopg.Error.
        """
        done = FlushResult()
        for kind in BacklogKind:
            for place, count in self._backlog.counts(kind).items():
                for _ in range(0, count, self._batch):
                    if should_stop():
                        done.complete = False
                        return done
                    self._carry(place, done)
        return done

    def _carry(self, place: str, done: FlushResult) -> None:
        self.begin()
        claim = self.claim(place)
        live, deleted = self.read(claim)
        first_times = self.write(live, deleted)
        self.commit()
        self.set_first_times(first_times)
        self.release(claim)
        done.archived += len(live)
        done.erased += len(deleted)

    def begin(self) -> None:
        self._rows.begin()

    def claim(self, place: str) -> Claim:
        return self._backlog.claim(place, self._batch)

    def read(self, claim: Claim) -> tuple[list[StoredPoint], list[StoredPoint]]:
        """The points to archive, and those to erase before, which may have been saved again.

        Hashes come first: whatever life of a point they show, the deletion that ended the life
        before it has its mark by then.
        """
        points = self._points.read(claim.entries)
        erased = self._backlog.erased_among(claim)
        live = [point for point in points if point.updated_at is not None]
        deleted = [
            point for entry, point in zip(claim.entries, points, strict=True) if entry in erased
        ]
        return live, deleted

    def write(self, live: list[StoredPoint], deleted: list[StoredPoint]) -> list[FirstTimes]:
        self._rows.erase(deleted)
        return self._rows.upsert(live)

    def commit(self) -> None:
        self._rows.commit()

    def set_first_times(self, first_times: list[FirstTimes]) -> None:
        if first_times:
            self._points.set_first_times(first_times)

    def release(self, claim: Claim) -> None:
        self._backlog.release(claim)
