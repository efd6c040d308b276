"""Signs tokens with JWT_SECRET. `verifier.Verifier` accepts these tokens."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import jwt

from resume_service.auth.verifier import HMAC_ALGORITHM
from resume_service.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Issuer:
    """Signs tokens with the `iss`, `aud` and `azp` that this service requires."""

    secret: str = field(repr=False)
    issuer: str | None
    audience: str | None
    authorized_party: str | None

    @classmethod
    def from_settings(cls, settings: Settings) -> Issuer | None:
        """Return None if JWT_SECRET is not set. Then only an outside issuer can sign tokens."""
        if settings.jwt_secret is None:
            return None
        return cls(
            secret=settings.jwt_secret,
            issuer=settings.jwt_issuer,
            audience=settings.jwt_audience,
            authorized_party=next(iter(settings.jwt_authorized_parties), None),
        )

    def token(self, subject: str, *, at: datetime, lifetime: timedelta, **claims: Any) -> str:
        """Return a token for `subject`. Claims with the value None are left out."""
        all_claims = claims | {
            "sub": subject,
            "iat": int(at.timestamp()),
            "exp": int((at + lifetime).timestamp()),
            "iss": self.issuer,
            "aud": self.audience,
            "azp": self.authorized_party,
        }
        present = {name: value for name, value in all_claims.items() if value is not None}
        return jwt.encode(present, self.secret, HMAC_ALGORITHM)
