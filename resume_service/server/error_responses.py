"""Responses to requests that never reach the application: they are malformed or too slow.

Also the response to a connection beyond the maximum number. After each of them, the server closes
the connection.
"""

from __future__ import annotations

import json
import uuid
from http import HTTPStatus

import structlog
from gunicorn.http import errors


class RequestTooSlow(TimeoutError):
    """The request has not arrived completely within REQUEST_SECONDS."""


class TooManyConnections(Exception):
    """Each connection of this process has a request."""


STATUSES = {
    errors.LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    errors.LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    errors.ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
    errors.UnsupportedTransferCoding: HTTPStatus.NOT_IMPLEMENTED,
    RequestTooSlow: HTTPStatus.REQUEST_TIMEOUT,
    TooManyConnections: HTTPStatus.SERVICE_UNAVAILABLE,
}
"""The status of each fault. Other malformed requests get a 400."""
TRY_AGAIN = "Too many connections, try again"

_log = structlog.get_logger(__name__)


def error_response(fault: Exception) -> bytes:
    """Log `fault` and return the bytes of the response.

    The log does not contain the message of the fault: it may contain a token.
    """
    status = STATUSES.get(type(fault), HTTPStatus.BAD_REQUEST)
    request_id = uuid.uuid4().hex
    is_overloaded = status == HTTPStatus.SERVICE_UNAVAILABLE
    event = "too many connections" if is_overloaded else "malformed request"
    _log.warning(event, fault=type(fault).__name__, request_id=request_id)
    body = json.dumps({"error": TRY_AGAIN if is_overloaded else status.phrase})
    lines = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        "Connection: close",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Cache-Control: no-store",
        f"X-Request-Id: {request_id}",
    ]
    if is_overloaded:
        lines.append("Retry-After: 1")
    return "\r\n".join([*lines, "", body]).encode()
