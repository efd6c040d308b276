"""Companies, users and sign-ins, as the database keeps them."""

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
    """A company. Its plan is the stored one: ask `plan_at` for the one that holds."""

    id: int
    name: str
    plan: Plan
    plan_expires_at: datetime | None
    """None: never, or the plan is FREE."""
    created_at: datetime
    updated_at: datetime

    def plan_at(self, now: datetime) -> Plan:
        """A paid plan that has expired counts as FREE at once, whenever the worker notes it."""
        return Plan.FREE if self.has_expired(now) else self.plan

    def plan_after(self, given: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        """The plan and its expiry when those fields of it change at `now`.

        A plan that is FREE does not expire, and one that is paid again forgets when it last did.
        """
        held = self.plan_at(now)
        plan = given.get("plan", held)
        expiry = self.plan_expires_at if held is Plan.PAID else None
        if plan is Plan.PAID and "plan_expires_at" in given:
            expiry = given["plan_expires_at"]
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
    """What may be told of a refresh token: never the token."""

    id: int
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    """When it was revoked, or spent for a new one."""


class Actor(NamedTuple):
    """Who calls, with the authority that it has now: its token may be older than its role."""

    account_id: int | None
    role: Role
    corporation_id: int | None

    @classmethod
    def claimed(cls, identity: Identity) -> Actor:
        """The authority that the token states."""
        return cls(identity.account_id, identity.role, identity.corporation_id)

    def administers(self, corporation_id: int | None) -> bool:
        """Whether it is an admin of that company, or a service. None is the public's."""
        if self.role is Role.SERVICE:
            return True
        is_own = corporation_id is not None and corporation_id == self.corporation_id
        return self.role is Role.ADMIN and is_own

    def require_admin_of(self, corporation_id: int | None) -> None:
        """Raises Forbidden."""
        if not self.administers(corporation_id):
            raise Forbidden

    def require_admin(self) -> None:
        """Raise Forbidden unless it is some company's admin, or a service.

        Asked first, so that nobody else learns what is there.
        """
        if self.role is Role.GUEST:
            raise Forbidden
