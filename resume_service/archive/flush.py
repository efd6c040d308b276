"""Copies the points of the backlog from Redis to Postgres, one transaction per batch.

Each batch takes an advisory lock in Postgres, then reads Redis. So it never writes older data than
another worker has written. If a worker hangs, Postgres ends its session, which releases the lock.

Backlog entries are removed after the commit. So a crash at any instruction is safe: the
entries of the batch stay. The next flush repeats the batch, with the same result.

A point that was deleted and then saved has an entry of each kind. For either entry, the flush
erases the archived row first and then archives the point. So old data does not come back.
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
    """The numbers of points that a flush archived and erased."""

    archived: int = 0
    erased: int = 0
    complete: bool = True
    """False if the flush had to stop before the end."""


class Flush:
    """One flush on one connection. Each step is a method; STEPS lists them in order."""

    STEPS = ("begin", "claim", "read", "write", "commit", "set_first_times", "release")

    def __init__(
        self, repository: ArchiveRepository, backlog: Backlog, points: BulkStore, batch: int
    ) -> None:
        self._repository = repository
        self._backlog = backlog
        self._points = points
        self._batch = batch

    def run(self, should_stop: Callable[[], bool] = lambda: False) -> FlushResult:
        """Flush the entries that the backlog has at the start.

        Stops between batches when `should_stop()`. Raises Unavailable and psycopg.Error.
        """
        result = FlushResult()
        for kind in BacklogKind:
            for key, count in self._backlog.counts(kind).items():
                for _ in range(0, count, self._batch):
                    if should_stop():
                        result.complete = False
                        return result
                    self._flush_batch(key, result)
        return result

    def _flush_batch(self, key: str, result: FlushResult) -> None:
        self.begin()
        claim = self.claim(key)
        live, deleted = self.read(claim)
        first_times = self.write(live, deleted)
        self.commit()
        self.set_first_times(first_times)
        self.release(claim)
        result.archived += len(live)
        result.erased += len(deleted)

    def begin(self) -> None:
        self._repository.begin()

    def claim(self, key: str) -> Claim:
        return self._backlog.claim(key, self._batch)

    def read(self, claim: Claim) -> tuple[list[StoredPoint], list[StoredPoint]]:
        """The points to archive, and the points to erase before that. A point may be in both.

        The hashes must be read before the `erased` entries. A hash may show a point that was saved
        again after a deletion. Then its `erased` entry already exists when the entries are read.
        """
        points = self._points.read(claim.entries)
        erased = self._backlog.erased_among(claim)
        live = [point for point in points if point.updated_at is not None]
        deleted = [
            point for entry, point in zip(claim.entries, points, strict=True) if entry in erased
        ]
        return live, deleted

    def write(self, live: list[StoredPoint], deleted: list[StoredPoint]) -> list[FirstTimes]:
        self._repository.erase(deleted)
        return self._repository.upsert(live)

    def commit(self) -> None:
        self._repository.commit()

    def set_first_times(self, first_times: list[FirstTimes]) -> None:
        if first_times:
            self._points.set_first_times(first_times)

    def release(self, claim: Claim) -> None:
        self._backlog.release(claim)
