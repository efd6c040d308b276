"""Reads and writes the archive in Postgres, many rows per statement.

One advisory lock in Postgres protects the archive. Only the worker that has the lock may write. So
no row changes between `read` and `write`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple

import msgspec
import psycopg
import structlog

from resume_service.archive import statements
from resume_service.archive.rows import (
    PointRow,
    TombstoneRow,
    WantedRow,
    state_of_tombstone,
    valid_state_of,
)
from resume_service.postgres import locks
from resume_service.postgres.connections import BoundedConnection
from resume_service.resume.merge_state import EMPTY, MergeState
from resume_service.resume.model import ArchivedPoint

LOCK_SECONDS = 8
"""Seconds that a worker waits for the lock if another worker has it."""
IDLE_SECONDS = 5
"""Seconds before Postgres ends the session of a worker that hangs inside a transaction.

The end of the session releases the lock. IDLE_SECONDS is shorter than LOCK_SECONDS. So another
worker that waits for the lock gets it before its own wait ends.
"""
STATEMENT_SECONDS = 10
"""Seconds before Postgres cancels a statement."""
INVALID = (psycopg.DataError, psycopg.IntegrityError)
"""Errors of Postgres for a point with values that the archive can't store."""

Ids = tuple[str, str]
"""A user id and a video id."""

_log = structlog.get_logger(__name__)


class Archived(NamedTuple):
    """What the archive has of a point: its row, or a tombstone, or both."""

    point: MergeState | None
    """The state of the row. None if there is no row."""
    tombstone: MergeState
    """EMPTY if there is no tombstone."""


class ArchiveRepository:
    """The archive, used through one connection. Every method may raise psycopg.Error."""

    def __init__(self, connection: BoundedConnection) -> None:
        self._connection = connection

    def begin(self) -> None:
        """Begin a transaction and take the lock of the archive.

        Raises psycopg.errors.LockNotAvailable if another worker has the lock for LOCK_SECONDS.
        """
        timeouts = [f"{seconds}s" for seconds in (IDLE_SECONDS, STATEMENT_SECONDS, LOCK_SECONDS)]
        self._connection.execute(statements.BEGIN, (*timeouts, locks.ARCHIVE))

    def commit(self) -> None:
        self._connection.commit()

    def read(self, wanted: Sequence[WantedRow]) -> dict[Ids, Archived]:
        """What the archive has of these points.

        The result omits points that it does not know, and rows that the new points replace.
        """
        rows = self._connection.execute(statements.READ, [_json(wanted)]).fetchall()
        found = {}
        for *values, deleted_at, marks in rows:
            point = valid_state_of(ArchivedPoint(*values)) if values[3] is not None else None
            tombstone = state_of_tombstone(deleted_at, marks) if deleted_at or marks else EMPTY
            found[values[0], values[1]] = Archived(point, tombstone)
        return found

    def write(self, points: Sequence[PointRow]) -> None:
        """Write the rows of `points`. Logs the points that the archive can't store."""
        self._in_savepoint(statements.UPSERT, points)

    def erase(self, ids: Sequence[Ids]) -> None:
        """Delete the rows of these points, if they exist."""
        if ids:
            self._connection.execute(statements.ERASE, _columns(ids))

    def bury(self, tombstones: Sequence[TombstoneRow], ttl: timedelta, limit: int) -> None:
        """Write tombstones, which expire after `ttl`. Keeps the newest `limit` of each user."""
        if not tombstones:
            return
        self._in_savepoint(statements.BURY, tombstones, ttl)
        users = list({each.user_id for each in tombstones})
        self._connection.execute(statements.LIMIT, (users, limit))

    def forget(self, ids: Sequence[Ids]) -> None:
        """Delete the tombstones of these points, if they exist."""
        if ids:
            self._connection.execute(statements.FORGET, _columns(ids))

    def expire_tombstones(self, limit: int) -> int:
        """Delete at most `limit` expired tombstones. Returns their number."""
        return self._connection.execute(statements.EXPIRE, (limit,)).rowcount

    def _in_savepoint(
        self, statement: str, rows: Sequence[PointRow | TombstoneRow], *more: Any
    ) -> None:
        """Write `rows`, or write the valid rows and log the others.

        So one invalid hash in Redis does not prevent the archiving of the whole batch.
        """
        if not rows:
            return
        try:
            with self._connection.transaction():
                self._connection.execute(statement, [*more, _json(rows)])
        except INVALID as fault:
            if len(rows) == 1:
                user_id, video_id = rows[0].user_id, rows[0].video_id
                _log.error("not a point", user=user_id, video=video_id, fault=str(fault))
                return
            for row in rows:
                self._in_savepoint(statement, [row], *more)


def _json(rows: Sequence[WantedRow | PointRow | TombstoneRow]) -> str:
    """One JSON parameter takes a third of the time of an array for each column."""
    return msgspec.json.encode(rows).decode()


def _columns(ids: Sequence[Ids]) -> list[list[str]]:
    return [list(column) for column in zip(*ids, strict=True)]
