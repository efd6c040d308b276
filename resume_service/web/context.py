"""The current Flask request: its caller, client address and rate limit."""

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
    """The caller. Known in every route that is not public."""
    return cast(Identity, g.identity)


def caller_if_known() -> Identity | None:
    """The caller of a public route. None if the token is missing, invalid or not verifiable now."""
    try:
        return services().get(Verifier).identify(request.headers.get("Authorization"))
    except (Unauthorized, Unavailable):
        return None


def enforce(limit: Limit, key: str) -> None:
    """Count this request against the rate limit of `key`, such as a user id.

    The headers of the response state the remaining quota.

    Raises TooManyRequests and Unavailable.
    """
    quota = services().get(RateLimiter).hit(limit, key, arrived_at())
    # With several limits, the headers show the limit with the smallest remaining quota.
    if "quota" not in g or quota.left <= g.quota.left:
        g.quota = quota


def arrived_at() -> datetime:
    """When this request reached the service."""
    return cast(datetime, g.request_start.arrived_at)


_IPV6_SITE = 64
"""Bits of an IPv6 address that identify the network. The client chooses the other bits."""


def client_address() -> str:
    """The client's IPv4 address or IPv6 network, as trusted proxies report it, or `unknown`."""
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
    """Remove the port. Some proxies write `192.0.2.1:567` and `[2001:db8::1]:567`."""
    bracketed = re.fullmatch(r"\[(.*)\](:\d+)?", address)
    return bracketed[1] if bracketed else re.sub(r"^([\d.]+):\d+$", r"\1", address)
