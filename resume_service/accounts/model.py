"""Types for companies, users, refresh tokens and callers. They do no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from resume_service.auth.identity import Identity, Role
from resume_service.errors import Forbidden

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Plan(StrEnum):
    FREE = "FREE"
    PAID = "PAID"


class Corporation(NamedTuple):
    """A company. `plan` is the plan in the database, even if it has expired.

    `plan_at` returns the plan that is valid at a given time.
    """

    id: int
    name: str
    plan: Plan
    plan_expires_at: datetime | None
    """None if the plan never expires or is FREE."""
    created_at: datetime
    updated_at: datetime

    def plan_at(self, now: datetime) -> Plan:
        """Return the plan that is valid at `now`: FREE if the stored plan has expired.

        The worker changes the stored plan later.
        """
        return Plan.FREE if self.has_expired(now) else self.plan

    def plan_after(self, fields: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        """Return the new `plan` and `plan_expires_at` if `fields` change at `now`.

        A FREE plan has no expiry. If an expired plan becomes PAID again, its old expiry is not used.
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
    """The data of a refresh token that admins may read. The secret token is not part of it."""

    id: int
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    """Time at which the token was revoked or exchanged for a new one. None if neither happened."""


class Actor(NamedTuple):
    """The caller of a request: its account, role and company.

    For an account of this service, role and company come from the database. Those in the caller's
    access token may be out of date.
    """

    account_id: int | None
    role: Role
    corporation_id: int | None

    @classmethod
    def from_token(cls, identity: Identity) -> Actor:
        """Return the caller with the role and the company in its access token."""
        return cls(identity.account_id, identity.role, identity.corporation_id)

    def administers(self, corporation_id: int | None) -> bool:
        """Return whether the caller is a service or an admin of that company.

        If `corporation_id` is None, the data is public. Only a service administers public data.
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

        Routes call this before they read data. So a guest can't find out which ids exist.
        """
        if self.role is Role.GUEST:
            raise Forbidden


def microseconds(moment: datetime | None) -> int:
    """Return `moment` in microseconds since 1970. Return 0 for None."""
    return 0 if moment is None else (moment - EPOCH) // timedelta(microseconds=1)


def is_token_ended(caller: Identity, password_changed_at: datetime | None) -> bool:
    """Return whether the account's password changed after the caller's token was issued.

    A token from a sign-in says which password it was given for. So the clocks of the hosts, and a
    sign-in in the second of the change, do not matter. For any other token, `iat` decides. `iat` has
    no fraction, so a token of the second of the change has ended. A token without `iat` may be older
    than the change, so it has ended, too.
    """
    if caller.password_changed_us is not None:
        return caller.password_changed_us != microseconds(password_changed_at)
    if password_changed_at is None:
        return False
    return caller.issued_at is None or not caller.issued_at > password_changed_at.timestamp()
