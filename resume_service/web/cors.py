"""CORS: the rules by which browsers let web pages of other origins call the service.

The library flask-cors applies the rules.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import Flask
from flask_cors import CORS
from flask_cors.core import get_cors_headers, get_cors_options
from werkzeug.datastructures import Headers as WerkzeugHeaders

from resume_service.web.messages import Headers

PREFLIGHT = timedelta(days=1)
"""A browser may cache the response to a preflight request for this time."""
OriginHeaders = Callable[[str], Headers]
"""A function that returns the CORS headers for a web origin."""


def install(app: Flask, origins: tuple[str, ...]) -> OriginHeaders:
    """Allow web pages of `origins` to call `app`.

    Return a function that returns the CORS headers for an origin. The fast lane needs this
    function, because `app` does not create the responses of the fast lane (see `fast_lane.py`).
    """
    if not origins:
        return lambda _origin: ()
    rules: dict[str, Any] = {
        "origins": list(origins),
        "allow_headers": ["Authorization", "Content-Type", "Idempotency-Key", "X-Request-Id"],
        "expose_headers": [
            "Accept-Ranges",
            "Content-Range",
            "ETag",
            "Idempotency-Key",
            "Link",
            "RateLimit",
            "RateLimit-Policy",
            "Resume-Applied",
            "Retry-After",
            "X-Request-Id",
            "X-Total-Count",
        ],
        "max_age": PREFLIGHT,
        "always_send": False,
    }
    CORS(app, **rules)
    options = get_cors_options(app, rules)

    @functools.lru_cache(maxsize=1024)
    def headers_to(origin: str) -> Headers:
        headers = get_cors_headers(options, WerkzeugHeaders({"Origin": origin}), "POST")
        return tuple((name, str(value)) for name, value in headers.items())

    return headers_to
