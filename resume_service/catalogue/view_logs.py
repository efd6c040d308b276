"""View logs: which user has viewed which video. The first stream of a video earns points."""

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
    created_at: datetime
    is_new: bool


class ViewLogs:
    """At most one row for each user and video. Every method may raise Unavailable."""

    def __init__(self, database: Database, points_per_view: int) -> None:
        self._database = database
        self._points = points_per_view

    def earn(self, user_id: int, video_id: int, now: datetime) -> bool:
        """Log a stream, and give points unless an earlier stream did.

        Returns whether this stream earned the points. Of concurrent streams, only one earns them: the
        one that sets `rewarded_at`.
        """
        log = insert(view_logs).from_select(
            ["user_id", "video_id", "created_at", "rewarded_at"],
            _of_user(user_id, literal(video_id, BigInteger), _moment(now), _moment(now)),
        )
        claim = log.on_conflict_do_update(
            index_elements=_of_pair,
            set_={"rewarded_at": log.excluded.rewarded_at},
            where=_logs.rewarded_at.is_(None),
        ).returning(_logs.user_id)
        new_points = users.c.points + bindparam("earned")
        give = users.update().where(users.c.id == user_id).values(points=new_points)
        with self._database.transaction() as sql:
            earns = sql.execute(claim).first() is not None
            if earns:
                sql.execute(give, {"earned": self._points})
        return earns

    def write(self, user_id: int, video_id: int, now: datetime) -> Viewed:
        """Log a view without points. It does not change what a stream earns.

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
    """Select one row if the user exists, else none."""
    return select(users.c.id, *values).where(users.c.id == user_id, users.c.deleted_at.is_(None))


def _moment(at: datetime) -> sqlalchemy.ColumnElement[object]:
    return literal(at, DateTime(timezone=True))
