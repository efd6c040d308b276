"""The current Flask request: its caller, client address and rate limit."""

from __future__ import annotations

import re
from datetime import datetime
from ipaddress import IPv6Address, ip_address, ip_network
from typing import cast

from flask import g, request

from resume_service.auth.identity import Identity
from resume_service.auth.verifier import Verifier
from resume_service.clock import from_epoch_ms
from resume_service.errors import Unauthorized, Unavailable
from resume_service.rate_limits.limiter import Limit, RateLimiter
from resume_service.redis.operation import run
from resume_service.web.request_start import RequestStart
from resume_service.web.services import services


def current_user() -> Identity:
    """Return the caller. Only routes that require a token may call this function."""
    return cast(Identity, g.identity)


def caller_if_known() -> Identity | None:
    """Return the caller of a public route.

    Return None if the request has no valid token. Also return None if the token can't be verified
    now, because the keys of the tokens are not available.
    """
    try:
        return services().get(Verifier).identify(request.headers.get("Authorization"))
    except (Unauthorized, Unavailable):
        return None


def enforce(limit: Limit, key: str) -> None:
    """Check that this request is within `limit`, and record the request.

    Each `key`, such as a user id, has a separate limit. The headers of the response state the
    remaining quota: the number of requests that the limit still allows.

    Raises TooManyRequests if the limit does not allow this request. Raises Unavailable if Redis
    does not answer.
    """
    quota = run(services().get(RateLimiter).hit(limit, key, arrived_at()))
    # If a request has several limits, the headers describe the limit with the smallest quota.
    if "quota" not in g or quota.left <= g.quota.left:
        g.quota = quota


def request_start() -> RequestStart:
    """Return the id and the time of this request."""
    return cast(RequestStart, g.request_start)


def arrived_at() -> datetime:
    """Return the time when this request reached the service, in whole milliseconds."""
    return from_epoch_ms(request_start().arrived_ms)


_IPV6_SITE = 64
"""Number of bits of an IPv6 address that identify the network. Clients choose the other bits."""


def client_address() -> str:
    """Return the client's IPv4 address or IPv6 network, as the trusted proxies report it.

    Return `unknown` if the reported address is invalid.
    """
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
    """Remove the port and brackets. Some proxies write `192.0.2.1:567` or `[2001:db8::1]:567`."""
    bracketed = re.fullmatch(r"\[(.*)\](:\d+)?", address)
    return bracketed[1] if bracketed else re.sub(r"^([\d.]+):\d+$", r"\1", address)
