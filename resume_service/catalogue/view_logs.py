"""View logs. A view log is a row that says that a user has viewed a video.

A user earns reward points with the first stream of a video.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import sqlalchemy
from sqlalchemy import BigInteger, DateTime, bindparam, literal, select
from sqlalchemy.dialects.postgresql import insert

from resume_service.accounts.tables import users
from resume_service.catalogue.tables import view_logs
from resume_service.errors import NotFound
from resume_service.postgres.database import Database

NO_USER = "User not found"
_logs = view_logs.c
_of_pair = (_logs.user_id, _logs.video_id)


class Viewed(NamedTuple):
    """The view log of a user and a video."""

    created_at: datetime
    is_new: bool
    """Whether this call created the view log."""


class ViewLogs:
    """Reads and writes view logs. Each pair of a user and a video has at most one view log.

    Every method may raise Unavailable.
    """

    def __init__(self, database: Database, points_per_view: int) -> None:
        self._database = database
        self._points = points_per_view

    def earn(self, user_id: int, video_id: int, now: datetime) -> bool:
        """Log a stream as a view. Give reward points, unless an earlier stream has earned them.

        Returns whether this stream has earned the points. Only the transaction that sets
        `rewarded_at` adds the points. So if several streams end at the same time, the user gets the
        points once.
        """
        log = insert(view_logs).from_select(
            ["user_id", "video_id", "created_at", "rewarded_at"],
            _of_user(user_id, literal(video_id, BigInteger), _moment(now), _moment(now)),
        )
        set_rewarded = log.on_conflict_do_update(
            index_elements=_of_pair,
            set_={"rewarded_at": log.excluded.rewarded_at},
            where=_logs.rewarded_at.is_(None),
        ).returning(_logs.user_id)
        new_points = users.c.points + bindparam("earned")
        give = users.update().where(users.c.id == user_id).values(points=new_points)
        with self._database.transaction() as sql:
            has_earned = sql.execute(set_rewarded).first() is not None
            if has_earned:
                sql.execute(give, {"earned": self._points})
        return has_earned

    def write(self, user_id: int, video_id: int, now: datetime) -> Viewed:
        """Log a view without points. A later stream can still earn the points.

        Raises NotFound if the user does not exist.
        """
        log = (
            insert(view_logs)
            .from_select(
                ["user_id", "video_id", "created_at"],
                _of_user(user_id, literal(video_id, BigInteger), _moment(now)),
            )
            .on_conflict_do_nothing(index_elements=_of_pair)
            .returning(_logs.created_at)
        )
        existing = (
            select(_logs.created_at)
            .join(users, users.c.id == _logs.user_id)
            .where(
                _logs.user_id == user_id, _logs.video_id == video_id, users.c.deleted_at.is_(None)
            )
        )
        with self._database.transaction() as sql:
            written = sql.execute(log).scalar()
            if written is not None:
                return Viewed(written, is_new=True)
            earlier = sql.execute(existing).scalar()
        if earlier is None:
            raise NotFound(NO_USER)
        return Viewed(earlier, is_new=False)

    def exists(self, user_id: int, video_id: int) -> bool:
        query = select(_logs.user_id).where(_logs.user_id == user_id, _logs.video_id == video_id)
        return bool(self._database.rows(query))


def _of_user(user_id: int, *values: sqlalchemy.ColumnElement[object]) -> sqlalchemy.Select[object]:
    """Select one row with the user's id and `values`. Select no row if the user does not exist."""
    return select(users.c.id, *values).where(users.c.id == user_id, users.c.deleted_at.is_(None))


def _moment(at: datetime) -> sqlalchemy.ColumnElement[object]:
    return literal(at, DateTime(timezone=True))
