"""Tokens of our own, signed with JWT_SECRET, as `tokens.Verifier` takes them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import jwt

from resume_service.auth.verifier import HMAC_ALGORITHM
from resume_service.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Issuer:
    """Signs what its own service will accept: with the `iss`, `aud` and `azp` that it checks."""

    secret: str = field(repr=False)
    issuer: str | None
    audience: str | None
    authorized_party: str | None

    @classmethod
    def from_settings(cls, settings: Settings) -> Issuer | None:
        """None without JWT_SECRET: then only an outside issuer can sign."""
        if settings.jwt_secret is None:
            return None
        return cls(
            secret=settings.jwt_secret,
            issuer=settings.jwt_issuer,
            audience=settings.jwt_audience,
            authorized_party=next(iter(settings.jwt_authorized_parties), None),
        )

    def token(self, subject: str, *, at: datetime, lifetime: timedelta, **claims: Any) -> str:
        """A token for `subject`; claims that are None are left out."""
        given = claims | {
            "sub": subject,
            "iat": int(at.timestamp()),
            "exp": int((at + lifetime).timestamp()),
            "iss": self.issuer,
            "aud": self.audience,
            "azp": self.authorized_party,
        }
        known = {name: value for name, value in given.items() if value is not None}
        return jwt.encode(known, self.secret, HMAC_ALGORITHM)
