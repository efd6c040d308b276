"""Companies in Postgres.

A new company gets a first admin. Deleting a company also deletes its users and videos.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import sqlalchemy
from sqlalchemy import ARRAY, BigInteger, any_, func, literal, select
from sqlalchemy.exc import IntegrityError

from resume_service.accounts import passwords
from resume_service.accounts.model import Corporation, Plan
from resume_service.accounts.tables import corporations, refresh_tokens, users
from resume_service.auth.identity import Role
from resume_service.errors import Conflict, NotFound
from resume_service.postgres.database import Database
from resume_service.postgres.pages import Page, PageRequest

_columns = [corporations.c[name] for name in Corporation._fields]
DELETE_SECONDS = 10.0
"""Timeout in seconds of each statement of a deletion. Deleting 500,000 videos takes about 10 s."""
NO_COMPANY = "Company not found"
_in_use = corporations.c.deleted_at.is_(None)

CONFLICTS = {
    "corporations_name": "There is a company of this name",
    "users_email": "There is a user with this address",
}
"""The error message for each unique index, by the name of the index."""
DeleteBelongings = Callable[[sqlalchemy.Connection, int, datetime], None]
"""A function that deletes the data that other packages store for a company, such as its videos.

Its arguments are a connection in a transaction, the company's id and the time of the deletion.
"""


class Corporations:
    """Reads and changes the table of companies.

    Every method may raise Unavailable. The methods that take the id or the name of a company raise
    NotFound if no such company exists.
    """

    def __init__(self, database: Database, delete_belongings: DeleteBelongings) -> None:
        self._database = database
        self._delete_belongings = delete_belongings

    def create(self, fields: Mapping[str, Any], *, email: str, password: str) -> Corporation:
        """Create a company and its first admin, in one transaction.

        Raises Conflict if the name or the e-mail address is already in use.
        """
        password_hash = passwords.hash_password(password)
        with map_conflicts(), self._database.transaction() as sql:
            expiry = None if fields["plan"] is Plan.FREE else fields.get("plan_expires_at")
            values = {**fields, "plan_expires_at": expiry}
            row = sql.execute(corporations.insert().values(values).returning(*_columns)).one()
            corporation = _corporation(row)
            sql.execute(
                users.insert().values(
                    email=email,
                    password_hash=password_hash,
                    role=Role.ADMIN,
                    corporation_id=corporation.id,
                )
            )
        return corporation

    def by_id(self, corporation_id: int) -> Corporation:
        return self._one(corporations.c.id == corporation_id)

    def by_name(self, name: str) -> Corporation:
        return self._one(corporations.c.name == name)

    def page(self, page_request: PageRequest) -> Page[Corporation]:
        query = select(*_columns).where(_in_use).order_by(corporations.c.id)
        with self._database.transaction() as sql:
            return page_request.of(sql, query, _corporation, corporations.c.id)

    def update(self, corporation_id: int, fields: Mapping[str, Any], now: datetime) -> Corporation:
        """Change the company. Raises Conflict if another company has the new name."""
        is_wanted = (corporations.c.id == corporation_id, _in_use)
        with map_conflicts(), self._database.transaction() as sql:
            lock = select(*_columns).where(*is_wanted).with_for_update()
            before = _existing(sql.execute(lock).first())
            values = {**fields, **before.plan_after(fields, now), "updated_at": now}
            changed = corporations.update().where(*is_wanted).values(values).returning(*_columns)
            return _existing(sql.execute(changed).first())

    def delete(self, corporation_id: int, now: datetime) -> None:
        """Delete a company with its users and videos, in one transaction.

        Also revoke the users' refresh tokens.
        """
        with self._database.transaction() as sql:
            deletion = (
                corporations.update()
                .where(corporations.c.id == corporation_id, _in_use)
                .values(deleted_at=now)
                .returning(*_columns)
            )
            _existing(sql.execute(deletion).first())
            self._database.allow(sql, DELETE_SECONDS)
            is_member = (users.c.corporation_id == corporation_id, users.c.deleted_at.is_(None))
            # Every transaction locks users first and tokens second. Mixed orders could cause a deadlock.
            members = users.update().where(*is_member).values(deleted_at=now).returning(users.c.id)
            revoke_tokens(sql, [row.id for row in sql.execute(members)], now)
            self._delete_belongings(sql, corporation_id, now)

    def _one(self, condition: sqlalchemy.ColumnElement[bool]) -> Corporation:
        rows = self._database.rows(select(*_columns).where(condition, _in_use))
        return _existing(next(iter(rows), None))


@contextmanager
def map_conflicts() -> Iterator[None]:
    """Raise Conflict instead of IntegrityError if a name or an e-mail address is in use."""
    try:
        yield
    except IntegrityError as fault:
        constraint = getattr(getattr(fault.orig, "diag", None), "constraint_name", None)
        if constraint not in CONFLICTS:
            raise
        raise Conflict(CONFLICTS[constraint]) from None


def lock_company(sql: sqlalchemy.Connection, corporation_id: int) -> Corporation:
    """Lock a company's row FOR SHARE, and return the company.

    Other transactions can't change the row before this transaction ends. Raises NotFound if the
    company does not exist.
    """
    query = select(*_columns).where(corporations.c.id == corporation_id, _in_use)
    return _existing(sql.execute(query.with_for_update(read=True)).first())


def revoke_tokens(sql: sqlalchemy.Connection, user_ids: Sequence[int], now: datetime) -> None:
    """Revoke every refresh token of these users.

    The transaction must have locked the users' rows before this call.
    """
    is_of_users = refresh_tokens.c.user_id == any_(literal(user_ids, ARRAY(BigInteger)))
    valid = (is_of_users, refresh_tokens.c.revoked_at.is_(None))
    sql.execute(refresh_tokens.update().where(*valid).values(revoked_at=now))


def expire_plans(sql: sqlalchemy.Connection, now: datetime) -> int:
    """Set expired paid plans to FREE. Returns the number of changed companies. Idempotent."""
    columns = corporations.c
    expired = (columns.plan == Plan.PAID, columns.plan_expires_at <= now)
    free_plan = {"plan": Plan.FREE, "plan_expires_at": None, "updated_at": func.now()}
    return sql.execute(corporations.update().where(*expired).values(free_plan)).rowcount


def _existing(row: sqlalchemy.Row[Any] | None) -> Corporation:
    if row is None:
        raise NotFound(NO_COMPANY)
    return _corporation(row)


def _corporation(row: sqlalchemy.Row[Any]) -> Corporation:
    return Corporation._make(row)._replace(plan=Plan(row.plan))
