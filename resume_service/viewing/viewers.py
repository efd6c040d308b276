"""Finds the viewer of a request, and the company of this viewer."""

from __future__ import annotations

import sqlalchemy

from resume_service.accounts.tables import users
from resume_service.auth.identity import Identity, Role
from resume_service.errors import Forbidden
from resume_service.ids import row_id, user_id_errors
from resume_service.postgres.database import Database
from resume_service.redis.operation import Blocking, Operation

MAX_COMPANIES = 10_000
"""Maximum number of accounts of which a process caches the company."""


class Viewers:
    """Returns the viewer as an Identity. Its company and role decide which videos it may watch."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._companies: dict[int, int] = {}
        """The company of each account. It never changes."""

    def of(
        self, caller: Identity, user_id: str | None, corporation_id: int | None
    ) -> Operation[Identity]:
        """Return the viewer that the caller asks for: itself, or another user if it is a service.

        The company of an account comes from its row, also if the service names another one. Of other
        users only the service knows it. So the service names it, or gets the videos of all companies.

        Raises Forbidden if another caller names a user or a company that is not its own. Raises
        Unavailable if Postgres does not answer.
        """
        user_id = caller.user_id if user_id is None else user_id
        if errors := user_id_errors(user_id):
            raise Forbidden(errors[0])
        caller.require_access_to(user_id)
        if caller.role is not Role.SERVICE and corporation_id not in (None, caller.corporation_id):
            raise Forbidden
        if user_id != caller.user_id:
            company = yield from self._company_of(user_id)
            corporation_id = corporation_id if company is None else company
        if corporation_id is not None:
            return Identity(user_id, corporation_id=corporation_id)
        return Identity(user_id, caller.role) if user_id != caller.user_id else caller

    def _company_of(self, user_id: str) -> Operation[int | None]:
        account_id = row_id(user_id)
        if account_id is None:
            return None
        company = self._companies.get(account_id)
        if company is None:
            company = yield Blocking(lambda: self._query(account_id))
            if company is not None:
                while len(self._companies) >= MAX_COMPANIES:
                    self._companies.pop(next(iter(self._companies)), None)
                self._companies[account_id] = company
        return company

    def _query(self, account_id: int) -> int | None:
        query = sqlalchemy.select(users.c.corporation_id).where(users.c.id == account_id)
        return next((row.corporation_id for row in self._database.rows(query)), None)
