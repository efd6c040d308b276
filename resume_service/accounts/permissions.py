"""Who calls `/v1`, and from where."""

from __future__ import annotations

import re
from dataclasses import replace
from ipaddress import IPv6Address, ip_address, ip_network
from typing import cast

from flask import g, request

from resume_service.accounts.model import Actor
from resume_service.auth.identity import Identity
from resume_service.errors import Unauthorized, ValidationFailed
from resume_service.web.messages import caller_if_known, current_user, services
from resume_service.web.services import Accounts, there

_IPV6_SITE = 64
"""Bits of an address that tell a client's network; the rest it may choose."""


def accounts() -> Accounts:
    return there(services().accounts)


def actor() -> Actor:
    """The caller with the authority that it has now. Raises Unauthorized when it was deleted."""
    if "actor" not in g:
        g.actor = accounts().users.actor(current_user())
    return cast(Actor, g.actor)


def viewer() -> Identity:
    """The caller with its role and company as they are now. Raises Unauthorized as `actor` does."""
    who = actor()
    return replace(current_user(), role=who.role, corporation_id=who.corporation_id)


def actor_if_known() -> Actor | None:
    """As `actor`, on a public route: None for who has no token, or one that does not hold."""
    caller = caller_if_known()
    try:
        return accounts().users.actor(caller) if caller else None
    except Unauthorized:
        return None


def company_meant(named: int | None) -> int:
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


def client() -> str:
    """The network address of the client, as far as the proxies that are trusted tell."""
    try:
        address = ip_address(_without_port(request.remote_addr or ""))
    except ValueError:
        return "unknown"
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ip_network((address, _IPV6_SITE), strict=False))
    return str(address)


def _without_port(address: str) -> str:
    """Some proxies write `192.0.2.1:567` and `[2001:db8::1]:567`."""
    bracketed = re.fullmatch(r"\[(.*)\](:\d+)?", address)
    return bracketed[1] if bracketed else re.sub(r"^([\d.]+):\d+$", r"\1", address)
