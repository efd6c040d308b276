"""Verifies bearer tokens (JWT, RFC 7519) by a shared secret or by an issuer's published keys.

The key that verifies fixes the algorithm (RFC 8725, section 3.1). A token's header only says
which of our keys to try; `jku`, `x5u` and `jwk` in it are never looked at, and PyJWT refuses
every `crit` it does not know.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import jwt

from resume_service.auth.identity import Identity
from resume_service.auth.jwks import KeySet
from resume_service.auth.token_cache import TokenCache
from resume_service.errors import Unauthorized
from resume_service.settings import Settings

HMAC_ALGORITHM = "HS256"
DATES = ("exp", "nbf")


@dataclass(frozen=True, kw_only=True)
class Verifier:
    """Turns an `Authorization` header into an Identity."""

    secret: str | None = field(repr=False)
    keys: KeySet | None
    issuer: str | None
    audience: str | None
    authorized_parties: tuple[str, ...]
    trust_outside_claims: bool
    remembered: TokenCache = field(default_factory=TokenCache, repr=False)

    @classmethod
    def from_settings(cls, settings: Settings) -> Verifier:
        return cls(
            secret=settings.jwt_secret,
            keys=KeySet(settings.jwt_jwks_url) if settings.jwt_jwks_url else None,
            issuer=settings.jwt_issuer,
            audience=settings.jwt_audience,
            authorized_parties=settings.jwt_authorized_parties,
            trust_outside_claims=settings.jwt_trust_claims,
        )

    def identify(self, authorization: str | None) -> Identity:
        """The caller named by an `Authorization` header's value.

        Raises Unauthorized, or Unavailable when that can't be told (see KeySet.find).
        """
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthorized
        # Read before verifying: keys that change meanwhile make what is remembered worthless.
        generation = self.keys.generation if self.keys else 0
        known = self.remembered.get(token, generation)
        if known is not None:
            if self.keys:
                self.keys.refresh_when_due()
            return known
        try:
            identity, expires = self._verified(token.strip(" "))
        except (jwt.PyJWTError, ValueError) as refused:
            raise Unauthorized from refused
        self.remembered.put(token, identity, expires, generation)
        return identity

    def _verified(self, token: str) -> tuple[Identity, float]:
        """Who `token` names, and until when, in seconds since 1970."""
        header = jwt.get_unverified_header(token)
        if self.secret is not None and header.get("alg") == HMAC_ALGORITHM:
            claims = self._claims(token, self.secret, HMAC_ALGORITHM)
            ours = trusted = True
        elif self.keys is not None:
            key = self.keys.find(header.get("kid"))
            claims = self._claims(token, key.key, key.algorithm_name)
            ours, trusted = False, self.trust_outside_claims
        else:
            raise Unauthorized
        # PyJWT drops the fraction of a second, so remembering must not add it.
        named = Identity.from_claims(claims, trust_authority=trusted, names_account=ours)
        return named, int(claims["exp"])

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
                # No rule of RFC 7519 refuses a token for its iat, and an issuer whose clock
                # is a second ahead would lock its users out.
                "verify_iat": False,
            },
        )
        if any(type(claims.get(name, 0)) not in (int, float) for name in DATES):
            raise Unauthorized  # PyJWT also takes "1700000000" and true
        if self.authorized_parties and claims.get("azp") not in self.authorized_parties:
            raise Unauthorized
        return claims
