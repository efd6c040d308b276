"""CORS: which web origins may call the service. flask-cors applies the rules."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import Flask
from flask_cors import CORS
from flask_cors.core import get_cors_headers, get_cors_options
from werkzeug.datastructures import Headers

PREFLIGHT = timedelta(days=1)
"""A browser may cache the result of a preflight for this time."""
OriginHeaders = Callable[[str], dict[str, str]]


def install(app: Flask, origins: tuple[str, ...]) -> OriginHeaders:
    """Allow pages of `origins` to call `app`.

    Return a function from an origin to its CORS headers, for responses that `app` does not create.
    """
    if not origins:
        return lambda _origin: {}
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
    def headers_to(origin: str) -> dict[str, str]:
        headers = get_cors_headers(options, Headers({"Origin": origin}), "POST")
        return {name: str(value) for name, value in headers.items()}

    return headers_to
