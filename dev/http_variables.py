"""The variables of http/*.http, such as `{{token}}`, for a service with the demo data."""

from __future__ import annotations

import json
from datetime import timedelta

from resume_service.auth.identity import Role
from resume_service.auth.issuer import Issuer
from resume_service.clock import system_clock
from resume_service.demo.catalogue import Account, Demo
from resume_service.settings import Settings

TOKEN_LIFETIME = timedelta(days=1)


def variables(demo: Demo, settings: Settings, password: str, address: str) -> dict[str, str]:
    """The variables, with users of the demo's first company, which has the PAID plan.

    Raises LookupError without a JWT_SECRET.
    """
    company = demo.companies[0]
    admin, viewer, *_ = company.accounts
    return {
        "address": address,
        "token": _token(settings, viewer, company.id),
        "adminToken": _token(settings, admin, company.id),
        "serviceToken": _token(settings, None, None),
        "company": str(company.id),
        "viewer": str(viewer.id),
        "viewerEmail": viewer.email,
        "adminEmail": admin.email,
        "password": password,
    }


def as_dotenv(values: dict[str, str]) -> str:
    return "".join(f"{name}={json.dumps(value)}\n" for name, value in values.items())


def _token(settings: Settings, account: Account | None, corporation_id: int | None) -> str:
    """A token for `account`, or for a backend service if that is None."""
    issuer = Issuer.from_settings(settings)
    if issuer is None:
        raise LookupError("JWT_SECRET is not set: only the issuer of JWT_JWKS_URL can sign")
    return issuer.token(
        str(account.id) if account else "backend",
        at=system_clock(),
        lifetime=TOKEN_LIFETIME,
        role=account.role if account else Role.SERVICE,
        corporation_id=corporation_id,
    )
