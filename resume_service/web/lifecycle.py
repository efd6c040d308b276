"""What happens around every request: id, arrival time, who may enter, headers, metrics.

A route is closed unless its endpoint is on the list of public ones that `create_app` passes.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import time
from collections.abc import Callable, Collection, Iterator
from contextvars import ContextVar
from datetime import datetime
from http import HTTPStatus
from typing import NamedTuple

import structlog
from flask import Flask, Response, g, request

from resume_service.auth.verifier import Verifier
from resume_service.errors import BadRequest
from resume_service.telemetry import logs, metrics
from resume_service.web.services import services

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
KNOWN_METHODS = WRITES | {"GET", "HEAD", "OPTIONS"}
"""Any other method counts as one in the metrics: a caller must not be able to make labels."""

_acceptable_id = re.compile(r"[A-Za-z0-9._-]{1,64}").fullmatch
_log = structlog.get_logger(__name__)
_is_logged = logging.getLogger(__name__).isEnabledFor


class RequestStart(NamedTuple):
    """How a request began."""

    request_id: str
    started: float
    """By time.perf_counter(), seconds."""
    arrived_at: datetime


class FailedRequest(NamedTuple):
    """A request that failed before Flask saw it, for Flask to answer."""

    request_start: RequestStart
    fault: Exception


_failed: ContextVar[FailedRequest | None] = ContextVar("failed", default=None)


def install(app: Flask, public_endpoints: Collection[str], clock: Callable[[], datetime]) -> None:
    """Make every request of `app` go through this cycle."""
    app.before_request(_start_with(clock))
    app.before_request(_authentication(frozenset(public_endpoints)))
    app.after_request(_finish)
    app.teardown_request(_end)


def begin(given_id: str, clock: Callable[[], datetime]) -> RequestStart:
    """Take note of a request, and of the id that its caller gave it, in every line logged."""
    request_id = given_id if _acceptable_id(given_id) else os.urandom(16).hex()
    logs.request_id.set(request_id)
    return RequestStart(request_id, time.perf_counter(), clock())


def headers(
    method: str, request_start: RequestStart, idempotency_key: str | None
) -> dict[str, str]:
    """What every answer carries."""
    carried = {
        "X-Request-Id": request_start.request_id,
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    if idempotency_key is not None and method in WRITES:
        carried["Idempotency-Key"] = idempotency_key
    return carried


def record(method: str, route: str, status: int, request_start: RequestStart) -> None:
    """Count an answer, and log it where every request is logged."""
    seconds = time.perf_counter() - request_start.started
    metrics.observe_request(method, route, status, seconds)
    if _is_logged(logging.DEBUG):
        _log.debug("answered", method=method, route=route, status=status, seconds=seconds)


def end() -> None:
    """What this thread logs from now on is not of this request."""
    logs.request_id.set(None)


@contextlib.contextmanager
def raise_in_flask(failed: FailedRequest) -> Iterator[None]:
    """While inside, the request that Flask is given fails at once, as it has before."""
    before = _failed.set(failed)
    try:
        yield
    finally:
        _failed.reset(before)


def _start_with(clock: Callable[[], datetime]) -> Callable[[], None]:
    def start() -> None:
        failed = _failed.get()
        if failed:
            logs.request_id.set(failed.request_start.request_id)
            g.request_start = failed.request_start
            raise failed.fault
        g.request_start = begin(request.headers.get("X-Request-Id", ""), clock)

    return start


def _authentication(public_endpoints: frozenset[str]) -> Callable[[], None]:
    def admit() -> None:
        """Identify the caller. A preflight and a route that does not exist need none."""
        is_open = request.endpoint is None or request.endpoint in public_endpoints
        if not is_open and request.method != "OPTIONS":
            g.identity = services().get(Verifier).identify(request.headers.get("Authorization"))
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
    if "quota" in g and response.status_code != HTTPStatus.TOO_MANY_REQUESTS:
        response.headers.extend(g.quota.headers)
    key = request.headers.get("Idempotency-Key")
    for name, value in headers(request.method, g.request_start, key).items():
        response.headers.setdefault(name, value)
    method = request.method if request.method in KNOWN_METHODS else "other"
    route = request.url_rule.rule if request.url_rule else "none"
    record(method, route, response.status_code, g.request_start)
    return response


def _end(_fault: BaseException | None) -> None:
    end()
