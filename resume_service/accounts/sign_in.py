"""Sign-in with e-mail address and password.

A sign-in gives an access token and a refresh token. Later, the client exchanges the refresh token for
a new pair of tokens. Each refresh token can be exchanged once. After that, the token is "spent".

All refresh tokens of one sign-in are a "family". If a client uses a spent token, the token was
probably stolen: a client and a thief both have it. Then all tokens of the family are revoked
(RFC 9700, section 4.14.2).

A refresh token is random. The database stores only the SHA-256 of the token. The rate limits of
sign-in are in `routes/sign_in.py`.
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
from resume_service.accounts.model import microseconds
from resume_service.accounts.tables import refresh_tokens, users
from resume_service.auth.identity import CHANGE_CLAIM
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
        """Check the password, and return a new pair of tokens.

        Raises Unauthorized if the address is unknown or the password is wrong. The message and the
        response time are the same in both cases.
        """
        [user] = self.database.rows(_user_or_dummy(email))
        if not passwords.matches(user.password_hash, password) or user.id is None:
            raise Unauthorized(WRONG_CREDENTIALS)
        password_is_unchanged = users.c.password_hash == user.password_hash
        with self.database.transaction() as sql:
            if _lock_user(sql, user.id, password_is_unchanged) is None:
                raise Unauthorized(WRONG_CREDENTIALS)
            refresh = self._new_token(sql, user.id, uuid.uuid4(), now)
        return self._pair(user, refresh, now)

    def refresh(self, token: str, now: datetime) -> TokenPair:
        """Exchange a refresh token for a new pair of tokens. After that, the token is spent.

        Raises Unauthorized if the token is unknown, expired, revoked or spent, or if its user was
        deleted. If the token is spent, all tokens of its family are also revoked.
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
        """Revoke every refresh token of the family of `token`. Ignores an unknown token."""
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
            **{CHANGE_CLAIM: microseconds(user.password_changed_at)},
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
    """Select the user. If the address is unknown, select one row with a dummy hash.

    So the service checks a hash in both cases. The response time does not show whether the address
    is known. bench/SIGN_IN.md contains measured times.
    """
    has_email = (users.c.email == email) & users.c.deleted_at.is_(None)
    hash_to_match = func.coalesce(users.c.password_hash, passwords.dummy_hash())
    columns = users.c["id", "role", "corporation_id", "password_changed_at"]
    one_row = select(literal(1)).subquery()
    return select(*columns, hash_to_match.label("password_hash")).select_from(
        one_row.outerjoin(users, has_email)
    )


def delete_expired_tokens(sql: sqlalchemy.Connection, before: datetime) -> int:
    """Delete the refresh tokens that expired before `before`. Returns the number of deleted tokens."""
    return sql.execute(refresh_tokens.delete().where(_tokens.expires_at < before)).rowcount


def _lock_token(sql: sqlalchemy.Connection, token: str) -> tuple[Any, Any]:
    """Lock the user and the family of `token`. Returns the rows of the user and of the token.

    Each row is None if it does not exist. The user's row is also None if the user was deleted.

    A password change waits until this transaction ends. So it also revokes a token that this
    transaction adds. Transactions of one family run one after the other, because each locks the
    family's first token. So a revocation also finds the newest token.
    """
    has_hash = _tokens.token_hash == _digest(token)
    token_row = sql.execute(select(_tokens.user_id, _tokens.family).where(has_hash)).first()
    if token_row is None:
        return None, None
    user = _lock_user(sql, token_row.user_id)
    is_in_family = _tokens.family == token_row.family
    first_of_family = select(_tokens.id).where(is_in_family).order_by(_tokens.id).limit(1)
    sql.execute(first_of_family.with_for_update())
    return user, sql.execute(select(refresh_tokens).where(has_hash)).first()


def _lock_user(
    sql: sqlalchemy.Connection, user_id: int, *conditions: sqlalchemy.ColumnElement[bool]
) -> Any:
    """Lock the user's row FOR SHARE and return it. Returns None if no row matches."""
    query = select(users).where(users.c.id == user_id, users.c.deleted_at.is_(None), *conditions)
    return sql.execute(query.with_for_update(read=True)).first()


def _revoke_family(sql: sqlalchemy.Connection, family: uuid.UUID, now: datetime) -> None:
    valid = (_tokens.family == family, _tokens.revoked_at.is_(None))
    sql.execute(refresh_tokens.update().where(*valid).values(revoked_at=now))


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
