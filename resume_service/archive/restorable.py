"""Reads the points and tombstones that Redis must have, in pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from resume_service.archive import statements
from resume_service.archive.repository import ArchiveRepository
from resume_service.archive.rows import state_of_tombstone, valid_state_of
from resume_service.postgres.connections import BoundedConnection
from resume_service.resume.bulk_store import MergedPoint
from resume_service.resume.model import ArchivedPoint


class Restorable:
    """The archive, used through one connection. Every method may raise psycopg.Error."""

    def __init__(self, connection: BoundedConnection) -> None:
        self._connection = connection
        self._repository = ArchiveRepository(connection)

    def tombstones(self, page_size: int) -> Iterator[list[MergedPoint]]:
        """Pages of at most `page_size` tombstones that have not expired.

        Each page has its own transaction. The transaction ends when the caller takes the next page.
        """
        names = {"user_id": "", "video_id": "", "page_size": page_size}
        for page in self._pages(statements.TOMBSTONE_PAGE, names, lambda row: row[:2], page_size):
            yield [
                MergedPoint(user, video, state_of_tombstone(deleted, marks), int(left))
                for user, video, deleted, marks, left in page
            ]

    def points(self, ttl: timedelta, page_size: int) -> Iterator[list[MergedPoint]]:
        """Pages of at most `page_size` points that arrived less than `ttl` ago, newest first.

        Each page has its own transaction, as for `tombstones`.
        """
        until = {"until": datetime.max.replace(tzinfo=UTC), "user_id": "", "video_id": ""}
        names = until | {"ttl": ttl, "page_size": page_size}
        for page in self._pages(statements.PAGE, names, lambda row: (row[3], *row[:2]), page_size):
            points = [(ArchivedPoint(*values), int(left)) for *values, left in page]
            yield [
                MergedPoint(point.user_id, point.video_id, valid_state_of(point), left)
                for point, left in points
                if left > 0
            ]

    def count(self, ttl: timedelta) -> int:
        """The number of points and tombstones that a restore copies."""
        ((count,),) = self._connection.execute(statements.COUNT, {"ttl": ttl}).fetchall()
        self._connection.commit()
        return int(count)

    def _pages(
        self,
        statement: str,
        names: dict[str, Any],
        key: Callable[[Any], tuple[Any, ...]],
        page_size: int,
    ) -> Iterator[list[Any]]:
        key_names = [name for name in ("until", "user_id", "video_id") if name in names]
        while True:
            self._repository.begin()
            rows = self._connection.execute(statement, names).fetchall()
            if rows:
                yield rows
            self._repository.commit()
            if len(rows) < page_size:
                return
            names |= zip(key_names, key(rows[-1]), strict=True)
