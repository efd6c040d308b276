"""The steps before and after every route function.

Before the route function: set the request id and the arrival time, and authenticate the caller.
After the route function: add headers, and record metrics. A route requires a token, unless
PUBLIC_ENDPOINTS in `resume_service/__init__.py` contains its endpoint.
"""

from __future__ import annotations

import contextlib
import logging
import re
import time
from collections.abc import Callable, Collection, Iterator
from contextvars import ContextVar
from http import HTTPStatus
from typing import NamedTuple

import structlog
from flask import Flask, Response, g, request

from resume_service.auth.verifier import Verifier
from resume_service.clock import Clock, MillisecondClock, millisecond_clock
from resume_service.errors import BadRequest
from resume_service.telemetry import logs, metrics
from resume_service.web.messages import Headers
from resume_service.web.request_start import RequestStart, random_id
from resume_service.web.services import services

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
KNOWN_METHODS = WRITES | {"GET", "HEAD", "OPTIONS"}
"""In the metrics, all other methods have the label `other`. So callers can't create new labels."""

COMMON_HEADERS: Headers = (("X-Content-Type-Options", "nosniff"), ("Cache-Control", "no-store"))
"""The constant headers of every response."""

_match_request_id = re.compile(r"[A-Za-z0-9._-]{1,64}").fullmatch
_log = structlog.get_logger(__name__)
_is_log_enabled = logging.getLogger(__name__).isEnabledFor


class FailedRequest(NamedTuple):
    """A request for which the fast lane got an error. Flask creates the error response."""

    request_start: RequestStart
    error: Exception


_failed: ContextVar[FailedRequest | None] = ContextVar("failed", default=None)
"""The failed request that Flask must answer now. None for the usual requests of Flask."""


def install(app: Flask, public_endpoints: Collection[str], clock: Clock) -> None:
    """Add the steps of this module to `app`."""
    app.before_request(_start_with(clock))
    app.before_request(_authentication(frozenset(public_endpoints)))
    app.after_request(_finish)
    app.teardown_request(_end)


def begin(requested_id: str | None, clock: MillisecondClock) -> RequestStart:
    """Start a request.

    The request id is `requested_id` if this is a valid id. Otherwise it is a random id. The caller
    sets `logs.request_id` while the request runs.
    """
    if not requested_id or not _match_request_id(requested_id):
        requested_id = random_id()
    return RequestStart(requested_id, time.perf_counter(), clock())


def own_headers(method: str, idempotency_key: str | None) -> Headers:
    """Return the headers of a response that depend on its request: `Idempotency-Key` of a write."""
    if idempotency_key is None or method not in WRITES:
        return ()
    return (("Idempotency-Key", idempotency_key),)


def record(method: str, route: str, status: int, request_start: RequestStart) -> None:
    """Record a response in the metrics. Log the response if LOG_LEVEL is debug."""
    seconds = time.perf_counter() - request_start.started
    metrics.observe_request(method, route, status, seconds)
    if _is_log_enabled(logging.DEBUG):
        _log.debug("answered", method=method, route=route, status=status, seconds=seconds)


def end() -> None:
    """End a request. Later log lines of this thread or greenlet contain no request id."""
    logs.request_id.set(None)


@contextlib.contextmanager
def raise_in_flask(failed: FailedRequest) -> Iterator[None]:
    """Make Flask raise the error of `failed` for the request that it handles in this context."""
    token = _failed.set(failed)
    try:
        yield
    finally:
        _failed.reset(token)


def _start_with(clock: Clock) -> Callable[[], None]:
    milliseconds = millisecond_clock(clock)

    def start() -> None:
        failed = _failed.get()
        g.request_start = (
            failed.request_start
            if failed
            else begin(request.headers.get("X-Request-Id"), milliseconds)
        )
        logs.request_id.set(g.request_start.request_id)
        if failed:
            raise failed.error

    return start


def _authentication(public_endpoints: frozenset[str]) -> Callable[[], None]:
    def authenticate() -> None:
        """Identify the caller.

        A CORS preflight request (OPTIONS) needs no token. A request without a matching route needs
        no token, because its response is always 404 or 405.
        """
        is_public = request.endpoint is None or request.endpoint in public_endpoints
        if not is_public and request.method != "OPTIONS":
            g.identity = services().get(Verifier).identify(request.headers.get("Authorization"))
            _require_readable_path()

    return authenticate


def _require_readable_path() -> None:
    """Reject a path if its ids are ambiguous. Two different ids must not lead to the same point.

    Werkzeug replaces invalid UTF-8 with U+FFFD, so two invalid ids could become equal. It decodes
    `%2F` to `/`, so one id could become two ids.

    Raises BadRequest.
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
    own = (("X-Request-Id", g.request_start.request_id), *own_headers(request.method, key))
    for name, value in own + COMMON_HEADERS:
        response.headers.setdefault(name, value)
    method = request.method if request.method in KNOWN_METHODS else "other"
    route = request.url_rule.rule if request.url_rule else "none"
    record(method, route, response.status_code, g.request_start)
    return response


def _end(_fault: BaseException | None) -> None:
    end()
