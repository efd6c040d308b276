"""Users in Postgres. Each company always has at least one admin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy
from sqlalchemy import func, select

from resume_service.accounts import passwords
from resume_service.accounts.corporations import lock_company, map_conflicts, revoke_tokens
from resume_service.accounts.model import Actor, RefreshToken, User, is_token_ended
from resume_service.accounts.tables import corporations, refresh_tokens, users
from resume_service.auth.identity import Identity, Role
from resume_service.errors import Conflict, Forbidden, NotFound, Unauthorized
from resume_service.postgres.database import Database
from resume_service.postgres.pages import Page, PageRequest

_columns = [users.c[name] for name in User._fields]
_in_use = users.c.deleted_at.is_(None)


class Users:
    """Reads and changes the table of users. Every method may raise Unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def actor(self, caller: Identity) -> Actor:
        """Return the caller with its current role and company.

        Raises Unauthorized if the account was deleted, or if its password changed after the token
        was issued.
        """
        token_actor = Actor.from_token(caller)
        if caller.role is Role.SERVICE or caller.account_id is None:
            return token_actor
        query = select(users).where(users.c.id == caller.account_id)
        for row in self._database.rows(query):
            if row.deleted_at is not None or is_token_ended(caller, row.password_changed_at):
                raise Unauthorized
            return Actor(row.id, Role(row.role), row.corporation_id)
        # No such user: another issuer with the same secret created the token for its own user.
        return token_actor

    def create(self, fields: Mapping[str, Any], corporation_id: int) -> User:
        """Create a user of that company.

        Raises NotFound if the company does not exist. Raises Conflict if another user has this e-mail
        address.
        """
        password_hash = passwords.hash_password(fields["password"])
        with map_conflicts(), self._database.transaction() as sql:
            lock_company(sql, corporation_id)
            values = {
                "email": fields["email"],
                "role": fields["role"],
                "password_hash": password_hash,
                "corporation_id": corporation_id,
            }
            return _user(sql.execute(users.insert().values(values).returning(*_columns)).one())

    def page(self, corporation_id: int, page_request: PageRequest) -> Page[User]:
        query = (
            select(*_columns)
            .where(users.c.corporation_id == corporation_id, _in_use)
            .order_by(users.c.id)
        )
        with self._database.transaction() as sql:
            return page_request.of(sql, query, _user, users.c.id)

    def by_id(self, user_id: int, actor: Actor) -> User:
        """Return a user. Only the user, admins of its company and services may read it.

        Raises NotFound if the user does not exist. Raises Forbidden if the caller may not read the
        user. A guest gets Forbidden for each id except its own, even if no such user exists.
        """
        return self._one(users.c.id == user_id, actor, is_own=actor.account_id == user_id)

    def by_email(self, email: str, actor: Actor) -> User:
        """Return the user with this address. The permissions and errors are those of `by_id`."""
        return self._one(users.c.email == email, actor)

    def update(self, user: User, fields: Mapping[str, Any], now: datetime) -> User:
        """Change a password or a role.

        A new password revokes every refresh token of the user. A trigger stores the time of the
        change, which ends the user's access tokens under `/v1`. Raises NotFound if the user does not
        exist. Raises Conflict if the company would then have no admin.
        """
        values: dict[str, Any] = {"updated_at": now}
        if "password" in fields:
            values["password_hash"] = passwords.hash_password(fields["password"])
        with self._database.transaction() as sql:
            if "role" in fields:
                values["role"] = fields["role"]
                if fields["role"] is not Role.ADMIN:
                    _require_another_admin(sql, user)
            change = users.update().where(users.c.id == user.id, _in_use).values(values)
            row = sql.execute(change.returning(*_columns)).first()
            if "password" in fields:
                revoke_tokens(sql, [user.id], now)
        return _existing(row)

    def delete(self, user: User, now: datetime) -> None:
        """Delete a user and revoke the user's refresh tokens.

        Raises NotFound if the user does not exist. Raises Conflict if the user is the company's only
        admin.
        """
        with self._database.transaction() as sql:
            _require_another_admin(sql, user)
            deletion = users.update().where(users.c.id == user.id, _in_use).values(deleted_at=now)
            _existing(sql.execute(deletion.returning(*_columns)).first())
            revoke_tokens(sql, [user.id], now)

    def tokens(self, user_id: int) -> Sequence[RefreshToken]:
        """Return the newest refresh tokens of a user, at most MAX_TOKENS, newest first."""
        ended_at = func.coalesce(refresh_tokens.c.revoked_at, refresh_tokens.c.spent_at)
        columns = [*(refresh_tokens.c[name] for name in RefreshToken._fields[:-1]), ended_at]
        query = (
            select(*columns)
            .where(refresh_tokens.c.user_id == user_id)
            .order_by(refresh_tokens.c.id.desc())
            .limit(MAX_TOKENS)
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
MAX_TOKENS = 1000
"""Maximum number of refresh tokens that `Users.tokens` returns."""


def _require_another_admin(sql: sqlalchemy.Connection, user: User) -> None:
    """Raise Conflict if `user` is the company's only admin.

    This locks the company's row. If two requests remove admins at the same time, the second waits
    until the first has finished.
    """
    lock = select(corporations.c.id).where(corporations.c.id == user.corporation_id)
    sql.execute(lock.with_for_update())
    admins = select(users.c.id).where(
        users.c.corporation_id == user.corporation_id, users.c.role == Role.ADMIN, _in_use
    )
    if [row.id for row in sql.execute(admins.limit(2))] == [user.id]:
        raise Conflict("A company needs an admin, and this is the last one")


def _existing(row: sqlalchemy.Row[Any] | None) -> User:
    if row is None:
        raise NotFound(NO_USER)
    return _user(row)


def _user(row: sqlalchemy.Row[Any]) -> User:
    return User._make(row)._replace(role=Role(row.role))
