"""Verifies bearer tokens (JWT, RFC 7519) with a shared secret or an issuer's public keys.

The key determines the algorithm (RFC 8725, section 3.1). The header of a token can only select one
of our keys. `jku`, `x5u` and `jwk` in the header are ignored. If `crit` in the header lists an
extension that PyJWT does not support, PyJWT refuses the token.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import jwt
import structlog

from resume_service.auth.identity import Identity
from resume_service.auth.jwks import KeySet
from resume_service.auth.token_cache import TokenCache, digest_of
from resume_service.errors import Unauthorized
from resume_service.settings import Settings

HMAC_ALGORITHM = "HS256"
TIME_CLAIMS = ("exp", "nbf")

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Verifier:
    """Verifies the token in the `Authorization` header, and returns the caller."""

    secret: str | None = field(repr=False)
    keys: KeySet | None
    issuer: str | None
    audience: str | None
    authorized_parties: tuple[str, ...]
    trust_outside_claims: bool
    has_accounts: bool
    """Whether users can have an account of this service. The `sub` of an account is its row id."""
    token_cache: TokenCache = field(default_factory=TokenCache, repr=False)

    @classmethod
    def from_settings(cls, settings: Settings) -> Verifier:
        """Return the verifier for `settings`.

        The service has accounts if DATABASE_URL is set: the database has the table of users, and
        clients can sign up. Without JWT_SECRET these users can't sign in. But they can after
        JWT_SECRET is set, and must then find no points of another user.
        """
        return cls(
            secret=settings.jwt_secret,
            keys=KeySet(settings.jwt_jwks_url) if settings.jwt_jwks_url else None,
            issuer=settings.jwt_issuer,
            audience=settings.jwt_audience,
            authorized_parties=settings.jwt_authorized_parties,
            trust_outside_claims=settings.jwt_trust_claims,
            has_accounts=settings.database_url is not None,
        )

    def cached(self, authorization: str | None) -> Identity | None:
        """Return the caller if no verification is necessary. Never blocks.

        Return None if the caller must use `identify`. Raises Unauthorized if the token is missing,
        or if it was refused a short time ago.
        """
        if authorization is None:
            raise Unauthorized
        digest, generation = digest_of(authorization), self.keys.generation if self.keys else 0
        identity = self.token_cache.get(digest, generation)
        if identity is None:
            self._require_not_refused(digest, generation)
        elif self.keys and self.keys.is_fetch_due():
            return None  # to start a fetch may block
        return identity

    def identify(self, authorization: str | None) -> Identity:
        """Return the caller for the value of an `Authorization` header.

        Blocks only if the service uses the keys of an issuer (`self.keys`). Raises Unauthorized if
        the token is missing or invalid. Raises Unavailable if the key of the token can't be looked
        up (see `KeySet.find`).
        """
        if authorization is None:
            raise Unauthorized
        # The generation increases whenever the keys change. Read it before the verification. If the
        # keys change during the verification, the cache then ignores the new entry.
        digest, generation = digest_of(authorization), self.keys.generation if self.keys else 0
        cached = self.token_cache.get(digest, generation)
        if cached is not None:
            if self.keys:
                self.keys.refresh_when_due()
            return cached
        self._require_not_refused(digest, generation)
        try:
            identity, expires = self._verified(_token_in(authorization))
        except jwt.ImmatureSignatureError as refused:
            raise Unauthorized from refused  # not cached: the token becomes valid later
        except (jwt.PyJWTError, ValueError) as refused:
            self.token_cache.put_refused(digest, generation)
            raise Unauthorized from refused
        self.token_cache.put(digest, identity, expires, generation)
        return identity

    def _require_not_refused(self, digest: bytes, generation: int) -> None:
        if self.token_cache.is_refused(digest, generation):
            raise Unauthorized

    def _verified(self, token: str) -> tuple[Identity, float]:
        """Verify `token`. Return the identity, and the expiry of `token` in seconds since 1970.

        Raises jwt.PyJWTError or ValueError if `token` is invalid for ever. Raises Unauthorized if
        it may become valid when the issuer's keys are fetched again.
        """
        header = jwt.get_unverified_header(token)
        if self.secret is not None and header.get("alg") == HMAC_ALGORITHM:
            claims = self._claims(token, self.secret, HMAC_ALGORITHM)
            is_signed_by_us = is_trusted = True
        elif self.keys is not None:
            key = self.keys.find(header.get("kid"))
            claims = self._claims(token, key.key, key.algorithm_name)
            is_signed_by_us, is_trusted = False, self.trust_outside_claims
        else:
            raise jwt.InvalidAlgorithmError
        identity = Identity.from_claims(
            claims, trust_authority=is_trusted, names_account=is_signed_by_us
        )
        if not is_signed_by_us:
            self._require_no_account(identity.user_id)
        # PyJWT ignores the fraction of a second in `exp`, so the cache must ignore it too.
        return identity, int(claims["exp"])

    def _require_no_account(self, subject: str) -> None:
        """Raise Unauthorized if an outside issuer's `sub` could be the `sub` of an account.

        Points, history and lessons belong to a `sub`. So without this check, an outside token could
        read and change the data of an account. JWT_TRUST_CLAIMS does not matter here.
        """
        if self.has_accounts and subject.isascii() and subject.isdigit():
            _log.warning(
                "token refused", reason="an outside issuer's sub is a number", subject=subject
            )
            raise Unauthorized

    def _claims(self, token: str, key: Any, algorithm: str) -> dict[str, Any]:
        claims = jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            issuer=self.issuer,
            audience=self.audience,
            options={
                "require": ["exp", "sub"],
                "verify_aud": self.audience is not None,
                # RFC 7519 does not require this check of `iat`. With it, new tokens are refused
                # if the clock of the issuer is one second ahead.
                "verify_iat": False,
            },
        )
        if any(type(claims.get(name, 0)) not in (int, float) for name in TIME_CLAIMS):
            # PyJWT would accept a string such as "1700000000", and true.
            raise jwt.InvalidTokenError("no number")
        if self.authorized_parties and claims.get("azp") not in self.authorized_parties:
            raise jwt.InvalidTokenError("another authorized party")
        return claims


def _token_in(authorization: str) -> str:
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise jwt.InvalidTokenError("no bearer token")
    return token.strip(" ")
