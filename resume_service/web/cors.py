"""Which web origins' pages may call (CORS), as flask-cors decides it."""

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
OriginHeaders = Callable[[str], dict[str, str]]


def install(app: Flask, origins: tuple[str, ...]) -> OriginHeaders:
    """Let pages of `origins` call `app`.

    The result tells what else an answer carries to an origin, for answers not made by `app`.
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
        decided = get_cors_headers(options, Headers({"Origin": origin}), "POST")
        return {name: str(value) for name, value in decided.items()}

    return headers_to
