"""What happens around every request: id, arrival time, who may enter, headers, metrics.

A route is closed unless its endpoint is on the list of public ones that `create_app` passes.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Collection

import structlog
from flask import Flask, Response, g, request

from resume_service import metrics
from resume_service.errors import BadRequest
from resume_service.http import services

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
KNOWN_METHODS = WRITES | {"GET", "HEAD", "OPTIONS"}
"""Any other method counts as one in the metrics: a caller must not be able to make labels."""

_acceptable_id = re.compile(r"[A-Za-z0-9._-]{1,64}").fullmatch
_log = structlog.get_logger(__name__)


def install(app: Flask, public_endpoints: Collection[str]) -> None:
    """Make every request of `app` go through this cycle."""
    app.before_request(_begin)
    app.before_request(_admission(frozenset(public_endpoints)))
    app.after_request(_finish)
    app.teardown_request(_end)


def _begin() -> None:
    g.started = time.perf_counter()
    g.arrived_at = services().clock()
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if _acceptable_id(given) else uuid.uuid4().hex
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def _admission(public_endpoints: frozenset[str]) -> Callable[[], None]:
    def admit() -> None:
        """Identify the caller. A preflight and a route that does not exist need none."""
        is_open = request.endpoint is None or request.endpoint in public_endpoints
        if not is_open and request.method != "OPTIONS":
            g.identity = services().verifier.identify(request.headers.get("Authorization"))
            _require_readable_path()

    return admit


def _require_readable_path() -> None:
    """Refuse a path whose ids can't be told: two spellings must not reach one point.

    What is no UTF-8 reaches the routes as U+FFFD, and an encoded `/` as one that parts two ids.
    """
    raw_path = request.environ.get("RAW_URI", "").partition("?")[0]
    if "%2f" in raw_path.lower():
        raise BadRequest("An id can't hold '/'")
    try:
        request.environ["PATH_INFO"].encode("latin-1").decode()
    except UnicodeDecodeError:
        raise BadRequest("The path is not UTF-8") from None


def _finish(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.request_id
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers.setdefault("Cache-Control", "no-store")
    if request.method in WRITES and "Idempotency-Key" in request.headers:
        response.headers["Idempotency-Key"] = request.headers["Idempotency-Key"]
    method = request.method if request.method in KNOWN_METHODS else "other"
    route = request.url_rule.rule if request.url_rule else "none"
    seconds = time.perf_counter() - g.started
    metrics.requests.labels(method, route, str(response.status_code)).observe(seconds)
    _log.debug("answered", method=method, route=route, status=response.status_code, seconds=seconds)
    return response


def _end(_fault: BaseException | None) -> None:
    """What this thread logs from now on is not of this request."""
    structlog.contextvars.clear_contextvars()
