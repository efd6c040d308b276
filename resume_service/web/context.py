"""The current Flask request: its caller, its client address, its rate limit."""

from __future__ import annotations

import re
from datetime import datetime
from ipaddress import IPv6Address, ip_address, ip_network
from typing import cast

from flask import g, request

from resume_service.auth.identity import Identity
from resume_service.auth.verifier import Verifier
from resume_service.errors import Unauthorized, Unavailable
from resume_service.rate_limits.limiter import Limit, RateLimiter
from resume_service.web.services import services


def current_user() -> Identity:
    """Who calls. Set for every route that is not public, before the route runs."""
    return cast(Identity, g.identity)


def caller_if_known() -> Identity | None:
    """Who calls a public route, if its token tells; a broken one is as good as none."""
    try:
        return services().get(Verifier).identify(request.headers.get("Authorization"))
    except (Unauthorized, Unavailable):
        return None


def enforce(limit: Limit, whom: str) -> None:
    """Count this request against `limit` of `whom`; its answer tells what is left.

    Raises TooManyRequests and Unavailable.
    """
    taken = services().get(RateLimiter).hit(limit, whom, arrived_at())
    if (
        "quota" not in g or taken.left <= g.quota.left
    ):  # of several limits, the one that is met first
        g.quota = taken


def arrived_at() -> datetime:
    """When this request reached the service."""
    return cast(datetime, g.request_start.arrived_at)


_IPV6_SITE = 64
"""Bits of an address that tell a client's network; the rest it may choose."""


def client_address() -> str:
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
