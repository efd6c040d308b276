"""Reads the archived points of a user from Postgres."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy
from sqlalchemy import Text, tuple_

from resume_service.archive.tables import watch_archive
from resume_service.paging import Cursor, CursorPage
from resume_service.postgres.database import Database
from resume_service.resume.archived_points import PointId
from resume_service.resume.model import ArchivedPoint

_columns = watch_archive.c


class History:
    """Archived points. The worker's next flush copies a saved point from Redis to the archive."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, user_id: str, video_id: str) -> ArchivedPoint | None:
        """The archived point. None if the archive does not have the point. Raises Unavailable."""
        query = _points().where(_columns.user_id == user_id, _columns.video_id == video_id)
        return next((ArchivedPoint._make(row) for row in self._database.rows(query)), None)

    def times(self, points: Collection[PointId]) -> dict[PointId, datetime]:
        """The times of the archived ones of `points`, as (user id, video id). Raises Unavailable."""
        ids = tuple_(_columns.user_id, _columns.video_id)
        query = sqlalchemy.select(_columns.user_id, _columns.video_id, _columns.updated_at)
        rows = self._database.rows(query.where(ids.in_(list(points))))
        return {(row.user_id, row.video_id): row.updated_at for row in rows}

    def page(
        self, user_id: str, *, limit: int, after: Cursor | None = None
    ) -> CursorPage[ArchivedPoint]:
        """A page of at most `limit` archived points of a user, newest first.

        With a cursor `after`, the page starts after the point at this cursor. Raises Unavailable.
        """
        newest_first = (_columns.updated_at.desc(), _columns.video_id.desc())
        query = (
            _points().where(_columns.user_id == user_id).order_by(*newest_first).limit(limit + 1)
        )
        if after:
            key = tuple_(_columns.updated_at, _columns.video_id)
            query = query.where(key < tuple_(after.updated_at, after.video_id))
        points = [ArchivedPoint._make(row) for row in self._database.rows(query)]
        if len(points) <= limit:
            return CursorPage(points, None)
        last = points[limit - 1]
        return CursorPage(points[:limit], Cursor(last.updated_at, last.video_id))


def _points() -> sqlalchemy.Select[Any]:
    columns = {name: _columns[name] for name in ArchivedPoint._fields}
    return sqlalchemy.select(*(columns | {"state": sqlalchemy.cast(_columns.state, Text)}).values())
