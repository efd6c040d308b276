"""Who is calling, and for whom that caller may act."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from resume_service.errors import Forbidden, Unauthorized
from resume_service.ids import GREATEST_ROW_ID, is_id, row_id


class Role(StrEnum):
    GUEST = "guest"
    ADMIN = "admin"
    SERVICE = "service"
    """A platform's backend: it may act for any user."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The caller of one request, as its token states it."""

    user_id: str
    role: Role = Role.GUEST
    corporation_id: int | None = None
    account_id: int | None = None
    """Of the user in our own database, where the token is one that may name such a user."""

    @classmethod
    def from_claims(
        cls, claims: Mapping[str, Any], *, trust_authority: bool, names_account: bool = False
    ) -> Identity:
        """The identity that verified `claims` state.

        Without `trust_authority` (an outside issuer's token) `role` and `corporation_id` are
        ignored. Without `names_account` its `sub` names no account of ours, even if it looks like
        one. An unknown role gives no authority. Raises Unauthorized when `sub` is no user id.
        """
        subject = claims.get("sub")
        if not isinstance(subject, str) or not is_id(subject):
            raise Unauthorized
        if not trust_authority:
            return cls(subject)
        given, company = claims.get("role"), claims.get("corporation_id")
        role = Role(given) if given in tuple(Role) else Role.GUEST
        has_company = type(company) is int and 0 < company <= GREATEST_ROW_ID
        return cls(
            subject,
            role,
            company if has_company else None,
            row_id(subject) if names_account and role is not Role.SERVICE else None,
        )

    def require_access_to(self, user_id: str) -> None:
        """Raise Forbidden unless this caller may read and write the points of `user_id`."""
        if user_id != self.user_id and self.role is not Role.SERVICE:
            raise Forbidden
