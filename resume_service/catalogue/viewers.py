"""Whose views a caller may ask for and log."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from resume_service.accounts.tables import users
from resume_service.auth.identity import Identity, Role
from resume_service.catalogue.view_logs import NO_USER
from resume_service.errors import Forbidden, NotFound
from resume_service.postgres.database import Database


class Viewers:
    """Accounts as they are now: a token may be older than a change of role or company."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def require_readable(self, user_id: int, caller: Identity) -> None:
        """Raise Forbidden unless these are the caller's own views, or of its company as an admin.

        Raises NotFound for a user that is not there, to those who may know.
        """
        rows = {row.id: row for row in self._rows(user_id, caller.account_id)}
        its_own = caller.account_id == user_id
        if not its_own and caller.role is not Role.SERVICE:
            me = rows.get(caller.account_id)
            role, company = (
                (me.role, me.corporation_id) if me else (caller.role, caller.corporation_id)
            )
            if role != Role.ADMIN or (me is not None and me.deleted_at is not None):
                raise Forbidden
            if user_id in rows and rows[user_id].corporation_id != company:
                raise Forbidden
        if user_id not in rows or rows[user_id].deleted_at is not None:
            raise NotFound(NO_USER)

    def logged_for(self, named: int | None, caller: Identity) -> int:
        """The account that a view is logged for: the caller's, or the one that a service names.

        Raises Forbidden for another's, NotFound for a caller that has none.
        """
        if named is not None and named != caller.account_id and caller.role is not Role.SERVICE:
            raise Forbidden
        whose = caller.account_id if named is None else named
        if whose is None:
            raise NotFound(NO_USER)
        return whose

    def _rows(self, *ids: int | None) -> Any:
        columns = (users.c.id, users.c.role, users.c.corporation_id, users.c.deleted_at)
        return self._database.rows(select(*columns).where(users.c.id.in_(set(ids) - {None})))
