"""Who calls `/v1`, and from where."""

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
    """The caller with the authority that it has now. Raises Unauthorized when it was deleted."""
    if "actor" not in g:
        g.actor = services().get(Users).actor(current_user())
    return cast(Actor, g.actor)


def current_identity() -> Identity:
    """The caller with its role and company as they are now. Raises Unauthorized as `actor` does."""
    who = actor()
    return replace(current_user(), role=who.role, corporation_id=who.corporation_id)


def actor_if_known() -> Actor | None:
    """As `actor`, on a public route: None for who has no token, or one that does not hold."""
    caller = caller_if_known()
    try:
        return services().get(Users).actor(caller) if caller else None
    except Unauthorized:
        return None


def target_company(named: int | None) -> int:
    """The company that a request is about: the one it names, else the caller's own.

    Raises Forbidden unless the caller is its admin, and ValidationFailed when there is none.
    """
    who = actor()
    who.require_admin()
    meant = named if named is not None else who.corporation_id
    if meant is None:
        raise ValidationFailed({"corporation_id": ["Missing data for required field."]}, 422)
    who.require_admin_of(meant)
    return meant
