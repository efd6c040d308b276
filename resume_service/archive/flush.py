"""A flush: merges the points of the backlog into the archive, one transaction per batch.

The backlog lists the points that were saved or deleted since the last flush (see `backlog`).

A flush never overwrites a row. It merges what Redis knows of a point with what the archive knows of
it (see `plan`). So a flush that is repeated, or late, or reads an old hash does no harm. If the
archive knows more than Redis, for example because the point had expired in Redis, the flush merges
the result into Redis, too.

Each batch takes an advisory lock in Postgres, so no other worker changes the rows between its read
and its write. If a worker hangs, Postgres ends the worker's session. This releases the lock.

A batch removes its backlog entries after the commit. So a crash before the removal loses nothing:
the entries stay, and the next flush repeats the batch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from resume_service.archive.backlog import Backlog, BacklogKind, Claim
from resume_service.archive.plan import UNKNOWN, Change, Plan
from resume_service.archive.repository import ArchiveRepository
from resume_service.resume.backlog_entry import ErasedEntry, Erasure
from resume_service.resume.bulk_store import BulkStore
from resume_service.resume.merge_state import EMPTY, NEVER, MergeState, join
from resume_service.resume.model import PointSettings


@dataclass(slots=True)
class FlushResult:
    """The number of points that a flush archived, and the number of points that it erased."""

    archived: int = 0
    erased: int = 0
    complete: bool = True
    """False if the flush stopped early because `should_stop` returned True."""


class Flush:
    """One flush on one connection. Each step of a batch is a method; STEPS lists them in order."""

    STEPS = ("begin", "claim", "read", "write", "commit", "merge_into_redis", "release")

    def __init__(
        self,
        repository: ArchiveRepository,
        backlog: Backlog,
        points: BulkStore,
        settings: PointSettings,
        batch: int,
    ) -> None:
        self._repository = repository
        self._backlog = backlog
        self._points = points
        self._settings = settings
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
        plan = self.write(self.read(claim))
        self.commit()
        self.merge_into_redis(plan)
        self.release(claim)
        result.archived += len(plan.points)
        result.erased += len(plan.erased)

    def begin(self) -> None:
        self._repository.begin()

    def claim(self, key: str) -> Claim:
        return self._backlog.claim(key, self._batch)

    def read(self, claim: Claim) -> list[Change]:
        """What Redis knows of the claimed points.

        Read the hashes first, then the `erased` entries, then the tombstones. A hash may hold a point
        that was saved after a deletion. The deletion wrote its entry and its tombstone before that
        save. So the later reads find them.
        """
        entries = self._backlog.valid_among(claim)
        points = self._points.read(entries)
        erased = self._backlog.erased_among(claim)
        tombstones = self._points.tombstones([entry for entry in entries if entry in erased])
        now = self._points.now_ms(entries)
        changes = []
        for entry, point, now_ms in zip(entries, points, now, strict=True):
            is_stored = point.state is not EMPTY
            change = Change(*point, is_stored, forgets_row=False, now_ms=now_ms)
            if entry in erased:
                change = _with_deletion(change, erased[entry], tombstones.get(entry))
            if change.is_stored or change.forgets_row or change.state is not EMPTY:
                changes.append(change)
        return changes

    def write(self, changes: list[Change]) -> Plan:
        """Merge `changes` into the archive."""
        plan = Plan()
        archived = self._repository.read([change.wanted() for change in changes])
        for change in changes:
            plan.add(change, archived.get(change[:2], UNKNOWN))
        self._repository.write(plan.points)
        self._repository.erase(plan.erased)
        self._repository.bury(plan.tombstones, self._settings.ttl, self._settings.max_points)
        self._repository.forget(plan.forgotten)
        return plan

    def commit(self) -> None:
        self._repository.commit()

    def merge_into_redis(self, plan: Plan) -> None:
        self._points.merge(plan.merged)

    def release(self, claim: Claim) -> None:
        self._backlog.release(claim)


def _with_deletion(change: Change, entry: ErasedEntry, tombstone: int | None) -> Change:
    """Return `change` after the deletion of an `erased` entry.

    The tombstone decides, if there is one. Its time and the time of the entry may come from different
    clocks, so they are not compared. Without a tombstone:

    - A deletion by version 0.4 leaves none. Then the row can't be merged.
    - A deletion that was about to run has failed, so nothing changes.
    - A deletion that is done was older than the tombstones that Redis keeps. It counts with the time
      of its entry. If a crashed flush has replaced this time, the row can't be merged. Then a newer
      point in Redis stays, and the point that the user deleted does not come back.
    """
    erasure, at_ms = entry
    if tombstone is None and erasure is Erasure.DONE and at_ms > NEVER:
        tombstone = at_ms
    if tombstone is not None:
        limit = min(tombstone, change.now_ms)
        change = change._replace(state=join(change.state, MergeState(deleted=limit)))
    is_lost = tombstone is None and erasure is Erasure.DONE
    is_by_0_4 = erasure is Erasure.BY_0_4 and (tombstone is None or at_ms > NEVER)
    return change._replace(forgets_row=is_lost or is_by_0_4)
