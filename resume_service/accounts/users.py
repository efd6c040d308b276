"""A company's users; it is never without an admin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy
from sqlalchemy import func, select

from resume_service.accounts import passwords
from resume_service.accounts.corporations import lock_company, map_conflicts, revoke_tokens
from resume_service.accounts.model import Actor, RefreshToken, User
from resume_service.accounts.tables import corporations, refresh_tokens, users
from resume_service.auth.identity import Identity, Role
from resume_service.errors import Conflict, Forbidden, NotFound, Unauthorized
from resume_service.postgres.database import Database
from resume_service.postgres.pages import Page, PageRequest

_columns = [users.c[name] for name in User._fields]
_in_use = users.c.deleted_at.is_(None)


class Users:
    """Every method may raise Unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def actor(self, caller: Identity) -> Actor:
        """The caller with the authority it has now. Raises Unauthorized when it was deleted."""
        claimed = Actor.claimed(caller)
        if caller.role is Role.SERVICE or caller.account_id is None:
            return claimed
        query = select(users).where(users.c.id == caller.account_id)
        for row in self._database.rows(query):
            if row.deleted_at is not None:
                raise Unauthorized
            return Actor(row.id, Role(row.role), row.corporation_id)
        return claimed  # an issuer that shares the secret numbers users of its own

    def create(self, given: Mapping[str, Any], corporation_id: int) -> User:
        """A user of that company. Raises NotFound without one, Conflict when the address is taken."""
        password_hash = passwords.hash_password(given["password"])
        with map_conflicts(), self._database.transaction() as sql:
            lock_company(sql, corporation_id)
            values = {
                "email": given["email"],
                "role": given["role"],
                "password_hash": password_hash,
                "corporation_id": corporation_id,
            }
            return _user(sql.execute(users.insert().values(values).returning(*_columns)).one())

    def page(self, corporation_id: int, part: PageRequest) -> Page[User]:
        query = (
            select(*_columns)
            .where(users.c.corporation_id == corporation_id, _in_use)
            .order_by(users.c.id)
        )
        with self._database.transaction() as sql:
            return part.of(sql, query, _user, users.c.id)

    def by_id(self, user_id: int, actor: Actor) -> User:
        """A user, for itself or its admins. Raises Forbidden for others, who learn nothing."""
        return self._one(users.c.id == user_id, actor, is_own=actor.account_id == user_id)

    def by_email(self, email: str, actor: Actor) -> User:
        """As `by_id`."""
        return self._one(users.c.email == email, actor)

    def update(self, user: User, given: Mapping[str, Any], now: datetime) -> User:
        """Change a password or a role.

        A new password revokes every refresh token. Raises Conflict for the last admin's role.
        """
        values: dict[str, Any] = {"updated_at": now}
        if "password" in given:
            values["password_hash"] = passwords.hash_password(given["password"])
        with self._database.transaction() as sql:
            if "role" in given:
                values["role"] = given["role"]
                if given["role"] is not Role.ADMIN:
                    _keep_an_admin(sql, user)
            change = users.update().where(users.c.id == user.id, _in_use).values(values)
            row = sql.execute(change.returning(*_columns)).first()
            if "password" in given:
                revoke_tokens(sql, [user.id], now)
        return _found(row)

    def delete(self, user: User, now: datetime) -> None:
        """Delete a user and revoke its tokens. Raises Conflict for the last admin."""
        with self._database.transaction() as sql:
            _keep_an_admin(sql, user)
            gone = users.update().where(users.c.id == user.id, _in_use).values(deleted_at=now)
            _found(sql.execute(gone.returning(*_columns)).first())
            revoke_tokens(sql, [user.id], now)

    def tokens(self, user_id: int) -> Sequence[RefreshToken]:
        """The refresh tokens of a user, newest first."""
        over_at = func.coalesce(refresh_tokens.c.revoked_at, refresh_tokens.c.spent_at)
        columns = [*(refresh_tokens.c[name] for name in RefreshToken._fields[:-1]), over_at]
        query = (
            select(*columns)
            .where(refresh_tokens.c.user_id == user_id)
            .order_by(refresh_tokens.c.id.desc())
            .limit(MOST_TOKENS)
        )
        return [RefreshToken._make(row) for row in self._database.rows(query)]

    def _one(
        self, condition: sqlalchemy.ColumnElement[bool], actor: Actor, *, is_own: bool = False
    ) -> User:
        if actor.role is Role.GUEST and actor.account_id is None:
            raise Forbidden
        for row in self._database.rows(select(*_columns).where(condition, _in_use)):
            if row.id != actor.account_id:
                actor.require_admin_of(row.corporation_id)
            return _user(row)
        if not is_own:
            actor.require_admin()
        raise NotFound(NO_USER)


NO_USER = "User not found"
MOST_TOKENS = 1000


def _keep_an_admin(sql: sqlalchemy.Connection, user: User) -> None:
    """Raise Conflict when `user` is the only admin; two that leave at once leave one by one."""
    held = select(corporations.c.id).where(corporations.c.id == user.corporation_id)
    sql.execute(held.with_for_update())
    admins = select(users.c.id).where(
        users.c.corporation_id == user.corporation_id, users.c.role == Role.ADMIN, _in_use
    )
    if [row.id for row in sql.execute(admins.limit(2))] == [user.id]:
        raise Conflict("A company needs an admin, and this is the last one")


def _found(row: sqlalchemy.Row[Any] | None) -> User:
    if row is None:
        raise NotFound(NO_USER)
    return _user(row)


def _user(row: sqlalchemy.Row[Any]) -> User:
    return User._make(row)._replace(role=Role(row.role))
