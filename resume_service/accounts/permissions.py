"""Finds the caller of a `/v1` request, and the company that the request concerns."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from flask import Flask, g, request

from resume_service.accounts.model import Actor
from resume_service.accounts.users import Users
from resume_service.auth.identity import Identity
from resume_service.errors import Unauthorized, ValidationFailed
from resume_service.web.context import caller_if_known, current_user
from resume_service.web.services import services


def install(app: Flask) -> None:
    """Refuse a token that has ended, before every route under `/v1` that needs a token.

    Without this step, such a request could get another error, for example about its body.
    """
    app.before_request(_require_valid_account)


def _require_valid_account() -> None:
    if "identity" in g and request.path.startswith("/v1/"):
        actor()


def actor() -> Actor:
    """Return the caller with its current role and company.

    Raises Unauthorized if the account was deleted, or if its password changed after the token was
    issued.
    """
    if "actor" not in g:
        g.actor = services().get(Users).actor(current_user())
    return cast(Actor, g.actor)


def current_identity() -> Identity:
    """Return the caller's identity with its current role and company.

    Raises Unauthorized like `actor`.
    """
    caller = actor()
    return replace(current_user(), role=caller.role, corporation_id=caller.corporation_id)


def actor_if_known() -> Actor | None:
    """Return the caller of a public route.

    Returns None if the request has no valid token, or if `actor` would raise Unauthorized.
    """
    caller = caller_if_known()
    try:
        return services().get(Users).actor(caller) if caller else None
    except Unauthorized:
        return None


def target_company(requested: int | None) -> int:
    """Return `requested`, the company id in the request. If it is None, return the caller's company.

    Raises Forbidden unless the caller administers this company. Raises ValidationFailed if
    `requested` is None and the caller has no company.
    """
    caller = actor()
    caller.require_admin()
    company_id = requested if requested is not None else caller.corporation_id
    if company_id is None:
        raise ValidationFailed({"corporation_id": ["Missing data for required field."]}, 422)
    caller.require_admin_of(company_id)
    return company_id
