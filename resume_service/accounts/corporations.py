"""Companies: made with their first admin, and deleted with all they have."""

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
"""For all that a large company has; half a million videos take about that."""
NO_COMPANY = "Company not found"
_in_use = corporations.c.deleted_at.is_(None)

CONFLICTS = {
    "corporations_name": "There is a company of this name",
    "users_email": "There is a user with this address",
}
"""What a unique index stands for, in words for the caller."""


DeleteBelongings = Callable[[sqlalchemy.Connection, int, datetime], None]
"""Deletes what else a company has: in that transaction, at that time."""


class Corporations:
    """Every method may raise Unavailable; those that find no company raise NotFound."""

    def __init__(self, database: Database, delete_belongings: DeleteBelongings) -> None:
        self._database = database
        self._delete_belongings = delete_belongings

    def create(self, given: Mapping[str, Any], *, email: str, password: str) -> Corporation:
        """A company with its first admin, both or none. Raises Conflict when a name is taken."""
        password_hash = passwords.hash_password(password)
        with map_conflicts(), self._database.transaction() as sql:
            expiry = None if given["plan"] is Plan.FREE else given.get("plan_expires_at")
            values = {**given, "plan_expires_at": expiry}
            row = sql.execute(corporations.insert().values(values).returning(*_columns)).one()
            made = _corporation(row)
            sql.execute(
                users.insert().values(
                    email=email,
                    password_hash=password_hash,
                    role=Role.ADMIN,
                    corporation_id=made.id,
                )
            )
        return made

    def by_id(self, corporation_id: int) -> Corporation:
        return self._one(corporations.c.id == corporation_id)

    def by_name(self, name: str) -> Corporation:
        return self._one(corporations.c.name == name)

    def page(self, part: PageRequest) -> Page[Corporation]:
        query = select(*_columns).where(_in_use).order_by(corporations.c.id)
        with self._database.transaction() as sql:
            return part.of(sql, query, _corporation, corporations.c.id)

    def update(self, corporation_id: int, given: Mapping[str, Any], now: datetime) -> Corporation:
        """Change what is given. Raises Conflict when the name is taken."""
        is_it = (corporations.c.id == corporation_id, _in_use)
        with map_conflicts(), self._database.transaction() as sql:
            held = select(*_columns).where(*is_it).with_for_update()
            before = _found(sql.execute(held).first())
            values = {**given, **before.plan_after(given, now), "updated_at": now}
            changed = corporations.update().where(*is_it).values(values).returning(*_columns)
            return _found(sql.execute(changed).first())

    def delete(self, corporation_id: int, now: datetime) -> None:
        """Delete a company, its users and its videos, and revoke their tokens: all of it or nothing."""
        with self._database.transaction() as sql:
            ended = (
                corporations.update()
                .where(corporations.c.id == corporation_id, _in_use)
                .values(deleted_at=now)
                .returning(*_columns)
            )
            _found(sql.execute(ended).first())
            self._database.allow(sql, DELETE_SECONDS)
            belonging = (users.c.corporation_id == corporation_id, users.c.deleted_at.is_(None))
            # Users before tokens, as everybody locks them.
            members = users.update().where(*belonging).values(deleted_at=now).returning(users.c.id)
            revoke_tokens(sql, [row.id for row in sql.execute(members)], now)
            self._delete_belongings(sql, corporation_id, now)

    def _one(self, condition: sqlalchemy.ColumnElement[bool]) -> Corporation:
        rows = self._database.rows(select(*_columns).where(condition, _in_use))
        return _found(next(iter(rows), None))


@contextmanager
def map_conflicts() -> Iterator[None]:
    """Raise Conflict, in words for the caller, for a name or an address that is taken."""
    try:
        yield
    except IntegrityError as refused:
        constraint = getattr(getattr(refused.orig, "diag", None), "constraint_name", None)
        if constraint not in CONFLICTS:
            raise
        raise Conflict(CONFLICTS[constraint]) from None


def lock_company(sql: sqlalchemy.Connection, corporation_id: int) -> Corporation:
    """Keep a company as it is while something is made in it. Raises NotFound."""
    held = select(*_columns).where(corporations.c.id == corporation_id, _in_use)
    return _found(sql.execute(held.with_for_update(read=True)).first())


def revoke_tokens(sql: sqlalchemy.Connection, user_ids: Sequence[int], now: datetime) -> None:
    """Revoke every refresh token of those users, whose rows this transaction holds."""
    of_them = refresh_tokens.c.user_id == any_(literal(user_ids, ARRAY(BigInteger)))
    valid = (of_them, refresh_tokens.c.revoked_at.is_(None))
    sql.execute(refresh_tokens.update().where(*valid).values(revoked_at=now))


def expire_plans(sql: sqlalchemy.Connection, now: datetime) -> int:
    """Write down which plans have expired; how many. Idempotent."""
    columns = corporations.c
    expired = (columns.plan == Plan.PAID, columns.plan_expires_at <= now)
    noted = {"plan": Plan.FREE, "plan_expires_at": None, "updated_at": func.now()}
    return sql.execute(corporations.update().where(*expired).values(noted)).rowcount


def _found(row: sqlalchemy.Row[Any] | None) -> Corporation:
    if row is None:
        raise NotFound(NO_COMPANY)
    return _corporation(row)


def _corporation(row: sqlalchemy.Row[Any]) -> Corporation:
    return Corporation._make(row)._replace(plan=Plan(row.plan))
