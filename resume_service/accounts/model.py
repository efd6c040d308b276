"""Companies, users, refresh tokens and callers, as types without I/O."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from resume_service.auth.identity import Identity, Role
from resume_service.errors import Forbidden


class Plan(StrEnum):
    FREE = "FREE"
    PAID = "PAID"


class Corporation(NamedTuple):
    """A company. `plan` is the stored plan; `plan_at` returns the plan that is valid at a time."""

    id: int
    name: str
    plan: Plan
    plan_expires_at: datetime | None
    """None if the plan never expires or is FREE."""
    created_at: datetime
    updated_at: datetime

    def plan_at(self, now: datetime) -> Plan:
        """The plan at `now`. An expired plan counts as FREE; the worker updates the row later."""
        return Plan.FREE if self.has_expired(now) else self.plan

    def plan_after(self, fields: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        """The values of `plan` and `plan_expires_at` after a change of `fields` at `now`.

        A FREE plan has no expiry. A plan that becomes PAID again does not get its old expiry back.
        """
        current = self.plan_at(now)
        plan = fields.get("plan", current)
        expiry = self.plan_expires_at if current is Plan.PAID else None
        if plan is Plan.PAID and "plan_expires_at" in fields:
            expiry = fields["plan_expires_at"]
        return {"plan": plan, "plan_expires_at": expiry if plan is Plan.PAID else None}

    def has_expired(self, now: datetime) -> bool:
        return self.plan_expires_at is not None and self.plan_expires_at <= now


class User(NamedTuple):
    id: int
    email: str
    role: Role
    corporation_id: int
    points: int
    created_at: datetime
    updated_at: datetime


class RefreshToken(NamedTuple):
    """A refresh token as admins see it, without the secret token itself."""

    id: int
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    """When the token was revoked or exchanged for a new one."""


class Actor(NamedTuple):
    """The caller with its current role and company. The token may have older ones."""

    account_id: int | None
    role: Role
    corporation_id: int | None

    @classmethod
    def claimed(cls, identity: Identity) -> Actor:
        """The caller with the role and company that its token states."""
        return cls(identity.account_id, identity.role, identity.corporation_id)

    def administers(self, corporation_id: int | None) -> bool:
        """Whether the caller is an admin of that company or a service.

        None means public data, which only a service administers.
        """
        if self.role is Role.SERVICE:
            return True
        is_own = corporation_id is not None and corporation_id == self.corporation_id
        return self.role is Role.ADMIN and is_own

    def require_admin_of(self, corporation_id: int | None) -> None:
        """Raise Forbidden unless the caller administers that company."""
        if not self.administers(corporation_id):
            raise Forbidden

    def require_admin(self) -> None:
        """Raise Forbidden unless the caller is an admin of any company or a service.

        Routes check this before they read data. So a guest can't find out which ids exist.
        """
        if self.role is Role.GUEST:
            raise Forbidden
