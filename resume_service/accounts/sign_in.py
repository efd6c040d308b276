"""Sign-in by address and password, kept up by refresh tokens that are each good for one use.

A refresh token is random and stored as its SHA-256. Each use changes it for a new one of the same
family, which goes back to one sign-in. A token that comes a second time was stolen by somebody or
from somebody, so the whole family is revoked (RFC 9700, section 4.14.2).
"""

from __future__ import annotations

import hashlib
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy
from sqlalchemy import func, literal, select

from resume_service.accounts import passwords
from resume_service.accounts.tables import refresh_tokens, users
from resume_service.auth.issuer import Issuer
from resume_service.errors import Unauthorized
from resume_service.postgres.database import Database

_tokens = refresh_tokens.c
WRONG_CREDENTIALS = "Wrong address or password"


class TokenPair(NamedTuple):
    access_token: str
    refresh_token: str
    expires_in: int
    """Seconds that the access token holds."""


@dataclass(frozen=True, kw_only=True)
class SignIn:
    """Every method may raise Unavailable."""

    database: Database
    issuer: Issuer
    access_lifetime: timedelta
    refresh_lifetime: timedelta

    def sign_in(self, email: str, password: str, now: datetime) -> TokenPair:
        """Raises Unauthorized, in the same words and the same time for each cause."""
        [user] = self.database.rows(_user_or_dummy(email))
        if not passwords.matches(user.password_hash, password) or user.id is None:
            raise Unauthorized(WRONG_CREDENTIALS)
        unchanged = users.c.password_hash == user.password_hash
        with self.database.transaction() as sql:
            if _lock_user(sql, user.id, unchanged) is None:
                raise Unauthorized(WRONG_CREDENTIALS)
            refresh = self._new_token(sql, user.id, uuid.uuid4(), now)
        return self._pair(user, refresh, now)

    def refresh(self, token: str, now: datetime) -> TokenPair:
        """A new pair for a refresh token, which is spent by that.

        Raises Unauthorized for one that does not hold; for a spent one its family is revoked.
        """
        with self.database.transaction() as sql:
            user, held = _lock_token(sql, token)
            refresh = None
            if held is not None and held.spent_at is not None:
                _revoke_family(sql, held.family, now)
            elif user is not None and held.revoked_at is None and held.expires_at > now:
                spent = refresh_tokens.update().where(_tokens.id == held.id).values(spent_at=now)
                sql.execute(spent)
                refresh = self._new_token(sql, held.user_id, held.family, now)
        if refresh is None:
            raise Unauthorized
        return self._pair(user, refresh, now)

    def sign_out(self, token: str, now: datetime) -> None:
        """Revoke every refresh token of the sign-in that `token` goes back to, if any."""
        with self.database.transaction() as sql:
            _user, held = _lock_token(sql, token)
            if held is not None:
                _revoke_family(sql, held.family, now)

    def _pair(self, user: Any, refresh: str, now: datetime) -> TokenPair:
        access = self.issuer.token(
            str(user.id),
            at=now,
            lifetime=self.access_lifetime,
            role=user.role,
            corporation_id=user.corporation_id,
        )
        return TokenPair(access, refresh, int(self.access_lifetime.total_seconds()))

    def _new_token(
        self, sql: sqlalchemy.Connection, user_id: int, family: uuid.UUID, now: datetime
    ) -> str:
        token = secrets.token_urlsafe(32)
        values = {
            "user_id": user_id,
            "family": family,
            "token_hash": _digest(token),
            "created_at": now,
            "expires_at": now + self.refresh_lifetime,
        }
        sql.execute(refresh_tokens.insert().values(values))
        return token


def _user_or_dummy(email: str) -> sqlalchemy.Select[Any]:
    """One row in any case, so that an unknown address takes no less time: see bench/SIGN_IN.md."""
    is_it = (users.c.email == email) & users.c.deleted_at.is_(None)
    hash_to_match = func.coalesce(users.c.password_hash, passwords.dummy_hash())
    return select(
        users.c.id, users.c.role, users.c.corporation_id, hash_to_match.label("password_hash")
    ).select_from(select(literal(1)).subquery().outerjoin(users, is_it))


def delete_expired_tokens(sql: sqlalchemy.Connection, before: datetime) -> int:
    """Delete the refresh tokens that expired before that; how many."""
    return sql.execute(refresh_tokens.delete().where(_tokens.expires_at < before)).rowcount


def _lock_token(sql: sqlalchemy.Connection, token: str) -> tuple[Any, Any]:
    """The user of `token` and its row as they stand until the transaction ends; None for none.

    The user is held, so that a new password revokes every token there is; and of the family its
    first token, so that a use that goes on at the same time can't add one that revoking misses.
    """
    is_it = _tokens.token_hash == _digest(token)
    known = sql.execute(select(_tokens.user_id, _tokens.family).where(is_it)).first()
    if known is None:
        return None, None
    user = _lock_user(sql, known.user_id)
    first = select(_tokens.id).where(_tokens.family == known.family).order_by(_tokens.id).limit(1)
    sql.execute(first.with_for_update())
    return user, sql.execute(select(refresh_tokens).where(is_it)).first()


def _lock_user(
    sql: sqlalchemy.Connection, user_id: int, *conditions: sqlalchemy.ColumnElement[bool]
) -> Any:
    query = select(users).where(users.c.id == user_id, users.c.deleted_at.is_(None), *conditions)
    return sql.execute(query.with_for_update(read=True)).first()


def _revoke_family(sql: sqlalchemy.Connection, family: uuid.UUID, now: datetime) -> None:
    valid = (_tokens.family == family, _tokens.revoked_at.is_(None))
    sql.execute(refresh_tokens.update().where(*valid).values(revoked_at=now))


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
