"""A flush: copies the points of the backlog from Redis to Postgres, one transaction per batch.

The backlog lists the points that were saved or deleted since the last flush (see `backlog`).

Each batch takes an advisory lock in Postgres, then reads Redis. So a batch never replaces the data
of another worker with older data. If a worker hangs, Postgres ends the worker's session. This
releases the lock.

A batch removes its backlog entries after the commit. So a crash before the removal loses nothing:
the entries stay, and the next flush repeats the batch.

A point that was deleted and then saved again has two entries: one `erased`, one `dirty`. Whichever
of the two a batch contains, the flush first deletes the archived row, then archives the point. So
the archive keeps no data from before the deletion.

The archive stores when a user first watched and first completed a video. A point that expired in
Redis and was saved again lacks these times. `set_first_times` copies the times back to Redis.
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
    """The number of points that a flush archived, and the number of points that it erased."""

    archived: int = 0
    erased: int = 0
    complete: bool = True
    """False if the flush stopped early because `should_stop` returned True."""


class Flush:
    """One flush on one connection. Each step of a batch is a method; STEPS lists them in order."""

    STEPS = ("begin", "claim", "read", "write", "commit", "set_first_times", "release")

    def __init__(
        self, repository: ArchiveRepository, backlog: Backlog, points: BulkStore, batch: int
    ) -> None:
        self._repository = repository
        self._backlog = backlog
        self._points = points
        self._batch = batch

    def run(self, should_stop: Callable[[], bool] = lambda: False) -> FlushResult:
        """Flush the `erased` entries, then the `dirty` entries.

        Counts the entries of each kind before the first batch of this kind. Then runs only as many
        batches as this number requires. So the flush ends, although users save new points.

        Calls `should_stop` before each batch, and stops if it returns True. Raises Unavailable if
        Redis fails. Raises psycopg.Error if Postgres fails.
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
        to_archive, to_erase = self.read(claim)
        first_times = self.write(to_archive, to_erase)
        self.commit()
        self.set_first_times(first_times)
        self.release(claim)
        result.archived += len(to_archive)
        result.erased += len(to_erase)

    def begin(self) -> None:
        self._repository.begin()

    def claim(self, key: str) -> Claim:
        return self._backlog.claim(key, self._batch)

    def read(self, claim: Claim) -> tuple[list[StoredPoint], list[StoredPoint]]:
        """The points to archive, and the points to erase first. A point may be in both lists.

        Read the hashes first, then the `erased` entries. A hash may hold a point that was saved after
        a deletion. The deletion wrote its `erased` entry before that save. So the second read finds
        the entry.
        """
        entries = self._backlog.valid_among(claim)
        points = self._points.read(entries)
        erased = self._backlog.erased_among(claim)
        to_archive = [point for point in points if point.updated_at is not None]
        to_erase = [point for entry, point in zip(entries, points, strict=True) if entry in erased]
        return to_archive, to_erase

    def write(self, to_archive: list[StoredPoint], to_erase: list[StoredPoint]) -> list[FirstTimes]:
        self._repository.erase(to_erase)
        return self._repository.upsert(to_archive)

    def commit(self) -> None:
        self._repository.commit()

    def set_first_times(self, first_times: list[FirstTimes]) -> None:
        if first_times:
            self._points.set_first_times(first_times)

    def release(self, claim: Claim) -> None:
        self._backlog.release(claim)
