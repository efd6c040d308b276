"""Sign-in with e-mail address and password. Refresh tokens extend it; each is valid for one use.

A refresh token is random. The database stores only its SHA-256. Each use replaces the token with a
new one of the same family. A family is all tokens of one sign-in. A second use of a token means that
it was stolen: the client and the thief both have it. Then the whole family is revoked (RFC 9700,
section 4.14.2). The rate limits of sign-in are in `routes/sign_in.py`.
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
    """Seconds until the access token expires."""


@dataclass(frozen=True, kw_only=True)
class SignIn:
    """Every method may raise Unavailable."""

    database: Database
    issuer: Issuer
    access_lifetime: timedelta
    refresh_lifetime: timedelta

    def sign_in(self, email: str, password: str, now: datetime) -> TokenPair:
        """Raises Unauthorized. The message and the response time are the same for every cause."""
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
        """Exchange a refresh token for a new pair. After that, the token is spent.

        Raises Unauthorized for an invalid token. A spent token also revokes its family.
        """
        with self.database.transaction() as sql:
            user, stored = _lock_token(sql, token)
            refresh = None
            if stored is not None and stored.spent_at is not None:
                _revoke_family(sql, stored.family, now)
            elif user is not None and stored.revoked_at is None and stored.expires_at > now:
                spend = refresh_tokens.update().where(_tokens.id == stored.id).values(spent_at=now)
                sql.execute(spend)
                refresh = self._new_token(sql, stored.user_id, stored.family, now)
        if refresh is None:
            raise Unauthorized
        return self._pair(user, refresh, now)

    def sign_out(self, token: str, now: datetime) -> None:
        """Revoke every refresh token of the sign-in. An unknown `token` is ignored."""
        with self.database.transaction() as sql:
            _user, stored = _lock_token(sql, token)
            if stored is not None:
                _revoke_family(sql, stored.family, now)

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
    """Select the user, or one row with a dummy hash if the address is unknown.

    So the response time does not show whether an address is known: see bench/SIGN_IN.md.
    """
    has_email = (users.c.email == email) & users.c.deleted_at.is_(None)
    hash_to_match = func.coalesce(users.c.password_hash, passwords.dummy_hash())
    return select(
        users.c.id, users.c.role, users.c.corporation_id, hash_to_match.label("password_hash")
    ).select_from(select(literal(1)).subquery().outerjoin(users, has_email))


def delete_expired_tokens(sql: sqlalchemy.Connection, before: datetime) -> int:
    """Delete the refresh tokens that expired before a time. Returns the number of tokens."""
    return sql.execute(refresh_tokens.delete().where(_tokens.expires_at < before)).rowcount


def _lock_token(sql: sqlalchemy.Connection, token: str) -> tuple[Any, Any]:
    """Lock the user and the family of `token`. Returns the rows of the user and of the token.

    A row is None if it does not exist; a deleted user counts as missing. A password change waits for
    the lock on the user, so it also revokes a token added here. Concurrent uses of a family wait for
    the lock on its first token, so a revocation misses no new token.
    """
    has_hash = _tokens.token_hash == _digest(token)
    known = sql.execute(select(_tokens.user_id, _tokens.family).where(has_hash)).first()
    if known is None:
        return None, None
    user = _lock_user(sql, known.user_id)
    first = select(_tokens.id).where(_tokens.family == known.family).order_by(_tokens.id).limit(1)
    sql.execute(first.with_for_update())
    return user, sql.execute(select(refresh_tokens).where(has_hash)).first()


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
