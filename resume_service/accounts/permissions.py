"""The caller of a `/v1` route, and the company that the request is about."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from flask import g

from resume_service.accounts.model import Actor
from resume_service.accounts.users import Users
from resume_service.auth.identity import Identity
from resume_service.errors import Unauthorized, ValidationFailed
from resume_service.web.context import caller_if_known, current_user
from resume_service.web.services import services


def actor() -> Actor:
    """The caller with its current role and company.

    Raises Unauthorized if the account was deleted.
    """
    if "actor" not in g:
        g.actor = services().get(Users).actor(current_user())
    return cast(Actor, g.actor)


def current_identity() -> Identity:
    """The caller's identity with its current role and company. Raises as `actor` does."""
    caller = actor()
    return replace(current_user(), role=caller.role, corporation_id=caller.corporation_id)


def actor_if_known() -> Actor | None:
    """The caller of a public route. None without a valid token, or if the account was deleted."""
    caller = caller_if_known()
    try:
        return services().get(Users).actor(caller) if caller else None
    except Unauthorized:
        return None


def target_company(named: int | None) -> int:
    """The company that the request names, or else the caller's own company.

    Raises Forbidden unless the caller administers it. Raises ValidationFailed if the request names
    no company and the caller has none.
    """
    caller = actor()
    caller.require_admin()
    company_id = named if named is not None else caller.corporation_id
    if company_id is None:
        raise ValidationFailed({"corporation_id": ["Missing data for required field."]}, 422)
    caller.require_admin_of(company_id)
    return company_id
