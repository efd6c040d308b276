"""What a user has watched, as far back as the archive goes."""

from __future__ import annotations

from typing import Any

import sqlalchemy
from sqlalchemy import tuple_

from resume_service.archive.tables import watch_archive
from resume_service.paging import Cursor, CursorPage
from resume_service.postgres.database import Database
from resume_service.resume.model import ArchivedPoint

_columns = watch_archive.c


class History:
    """The archive as its users see it: behind Redis by as much as the worker is."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, user_id: str, video_id: str) -> ArchivedPoint | None:
        """The archived point, if any. Raises Unavailable."""
        query = _points().where(_columns.user_id == user_id, _columns.video_id == video_id)
        return next((ArchivedPoint._make(row) for row in self._database.rows(query)), None)

    def page(
        self, user_id: str, *, limit: int, after: Cursor | None = None
    ) -> CursorPage[ArchivedPoint]:
        """At most `limit` of a user's points, from `after` on. Raises Unavailable."""
        newest_first = (_columns.updated_at.desc(), _columns.video_id.desc())
        query = (
            _points().where(_columns.user_id == user_id).order_by(*newest_first).limit(limit + 1)
        )
        if after:
            place = tuple_(_columns.updated_at, _columns.video_id)
            query = query.where(place < tuple_(after.updated_at, after.video_id))
        points = [ArchivedPoint._make(row) for row in self._database.rows(query)]
        if len(points) <= limit:
            return CursorPage(points, None)
        last = points[limit - 1]
        return CursorPage(points[:limit], Cursor(last.updated_at, last.video_id))


def _points() -> sqlalchemy.Select[Any]:
    return sqlalchemy.select(*(_columns[name] for name in ArchivedPoint._fields))
