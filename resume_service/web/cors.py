"""CORS: the rules by which browsers let web pages of other origins call the service.

The library flask-cors applies the rules. The fast lane and Flask use the same headers.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from flask import Flask, Response, request
from flask_cors.core import get_cors_headers, get_cors_options
from werkzeug.datastructures import Headers as WerkzeugHeaders

from resume_service.web.messages import Headers

PREFLIGHT = timedelta(days=1)
"""A browser may cache the response to a preflight request for this time."""
ANY_ORIGIN = "*"
VARY: Headers = (("Vary", "Origin"),)
"""A header of every response, also to requests without an origin.

Otherwise a cache could give a response without the CORS headers to a web page.
"""
RULES: dict[str, Any] = {
    "allow_headers": [
        "Authorization",
        "Content-Type",
        "Idempotency-Key",
        "If-None-Match",
        "X-Request-Id",
        "X-Requested-With",
        "traceparent",
    ],
    "expose_headers": [
        "Accept-Ranges",
        "Content-Range",
        "ETag",
        "Idempotency-Key",
        "Link",
        "RateLimit",
        "RateLimit-Policy",
        "Resume-Applied",
        "Resume-Every",
        "Retry-After",
        "X-Request-Id",
        "X-Total-Count",
    ],
    "max_age": PREFLIGHT,
    "always_send": False,
    "send_wildcard": True,
    "vary_header": False,
}
OriginHeaders = Callable[[str | None], Headers]
"""A function that returns the CORS headers for the `Origin` of a request, or None without one."""


def install(app: Flask, origins: tuple[str, ...]) -> OriginHeaders:
    """Allow web pages of `origins` to call `app`. The origin `*` is every origin.

    Return a function that returns the CORS headers for an origin. The fast lane needs this
    function, because `app` does not create the responses of the fast lane (see `fast_lane.py`).
    """
    if not origins:
        return lambda _origin: ()
    rules = [get_cors_options(app, rule) for rule in _rules(origins)]

    def headers_of(received: WerkzeugHeaders, method: str) -> Headers:
        for rule in rules:
            if headers := get_cors_headers(rule, received, method):
                return *((name, str(value)) for name, value in headers.items()), *VARY
        return VARY

    @functools.lru_cache(maxsize=1024)
    def headers_to(origin: str | None) -> Headers:
        return headers_of(WerkzeugHeaders({} if origin is None else {"Origin": origin}), "GET")

    def add_headers(response: Response) -> Response:
        is_preflight = request.method == "OPTIONS"
        response.headers.extend(
            headers_of(request.headers, request.method)
            if is_preflight
            else headers_to(request.headers.get("Origin"))
        )
        return response

    app.after_request(add_headers)
    return headers_to


def _rules(origins: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """Yield the options of flask-cors: for the origins listed by name, and for all others.

    Some clients send credentials with every request. Browsers block their calls unless the origin
    is listed by name and `Access-Control-Allow-Credentials` is true.
    """
    if named := [origin for origin in origins if origin != ANY_ORIGIN]:
        yield RULES | {"origins": named, "supports_credentials": True}
    if ANY_ORIGIN in origins:
        yield RULES | {"origins": ANY_ORIGIN}
