"""The caller of a request, and the check whether the caller may act for a user."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from math import inf
from typing import Any

from resume_service.errors import Forbidden, Unauthorized
from resume_service.ids import GREATEST_ROW_ID, is_id, row_id

CHANGE_CLAIM = "password_changed_us"
"""The claim of `Identity.password_changed_us`."""


class Role(StrEnum):
    GUEST = "guest"
    ADMIN = "admin"
    SERVICE = "service"
    """The backend of a platform. A service may act for any user."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The caller of a request, with the data from the token."""

    user_id: str
    role: Role = Role.GUEST
    corporation_id: int | None = None
    account_id: int | None = None
    """Id of the account: the row of the caller in our table of users.

    None if the token can't identify an account.
    """
    issued_at: float | None = None
    """`iat` of a token that identifies an account, in seconds since 1970. None if it has no `iat`."""
    password_changed_us: int | None = None
    """When the account's password had last changed before the sign-in that gave the token.

    In microseconds since 1970, and 0 if it had never changed. None if the token does not say it: it
    is not from a sign-in, or from a version that did not write it.
    """
    expires_at: float = field(default=inf, compare=False)
    """Seconds since 1970 at which the token expires."""

    @classmethod
    def from_claims(
        cls, claims: Mapping[str, Any], *, trust_authority: bool, names_account: bool = False
    ) -> Identity:
        """Return the identity in verified `claims`.

        If `trust_authority` is false, `role` and `corporation_id` are ignored. It is false for tokens
        of an outside issuer, unless JWT_TRUST_CLAIMS is true. If `names_account` is false, `sub`
        never identifies an account. An unknown role becomes `guest`. Raises Unauthorized if `sub` is
        not a valid user id.
        """
        subject = claims.get("sub")
        if not isinstance(subject, str) or not is_id(subject):
            raise Unauthorized
        expires_at = claims.get("exp", inf)
        if not trust_authority:
            return cls(subject, expires_at=expires_at)
        role_name, company = claims.get("role"), claims.get("corporation_id")
        role = Role(role_name) if role_name in tuple(Role) else Role.GUEST
        has_company = type(company) is int and 0 < company <= GREATEST_ROW_ID
        account_id = row_id(subject) if names_account and role is not Role.SERVICE else None
        identity = cls(
            subject, role, company if has_company else None, account_id, expires_at=expires_at
        )
        if account_id is None:
            return identity
        issued_at, changed_us = claims.get("iat"), claims.get(CHANGE_CLAIM)
        return replace(
            identity,
            issued_at=issued_at if type(issued_at) in (int, float) else None,
            password_changed_us=changed_us if type(changed_us) is int else None,
        )

    def require_access_to(self, user_id: str) -> None:
        """Raise Forbidden unless this caller may read and write the points of `user_id`."""
        if not self.has_access_to(user_id):
            raise Forbidden

    def has_access_to(self, user_id: str) -> bool:
        """Return whether this caller may read and write the points of `user_id`."""
        return user_id == self.user_id or self.role is Role.SERVICE
