"""Requests and responses that do not depend on Flask, and conversions from and to Flask.

The fast lane answers ordinary requests before Flask (see `fast_lane.py`). Route functions use the
types of this module. So the fast lane and Flask can call the same functions. The types are Structs,
because the creation of a NamedTuple takes 0.12 us longer, and a request needs five.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec
from flask import Response, request
from msgspec import Struct
from werkzeug.http import parse_etags

from resume_service.auth.identity import Identity
from resume_service.event_streams import EventStream
from resume_service.web.context import current_user, request_start
from resume_service.web.services import Services, services

_encoder = msgspec.json.Encoder()
JSON = (("Content-Type", "application/json"),)
"""The constant headers of a response with JSON."""


class FastRequest(Struct, frozen=True, gc=False):
    """A parsed HTTP request for the fast lane."""

    method: str
    path: str
    """Contains only printable ASCII characters and no percent-escapes."""
    query: str
    headers: Mapping[str, str]
    """The header fields, with their WSGI names as keys."""
    body: bytes


class ApiRequest(Struct, frozen=True, gc=False):
    """One request. Flask or the fast lane has parsed it."""

    services: Services
    caller: Identity
    arrived_ms: int
    """Milliseconds since 1970."""
    path: str
    query: str
    if_none_match: str | None = None
    """The value of the header `If-None-Match`."""


Headers = tuple[tuple[str, str], ...]
"""Names and values of header fields."""


class ApiResponse(Struct, frozen=True, gc=False):
    """One response. Flask or the fast lane sends it.

    Only few different `headers` exist: they are constants. So a server can prepare their bytes.
    """

    status: int
    headers: Headers = ()
    body: bytes = b""
    varying: Headers = ()
    """The header fields with other values, such as `ETag` and `Link`."""
    stream: EventStream | None = None
    """The events that follow the head. Then the response has no body and no length."""


class LaneResponse(Struct, frozen=True, gc=False):
    """The response of the fast lane. The server adds `lifecycle.COMMON_HEADERS` and the id."""

    response: ApiResponse
    request_id: str
    more: Headers = ()
    """The header fields that depend on the request, such as `Idempotency-Key`."""
    cors: Headers = ()
    """The header fields of CORS. Only few different ones exist: one for each allowed origin."""


def api_request() -> ApiRequest:
    """Return the current Flask request as an ApiRequest."""
    query, if_none_match = request.query_string.decode(), request.headers.get("If-None-Match")
    arrived_ms = request_start().arrived_ms
    return ApiRequest(services(), current_user(), arrived_ms, request.path, query, if_none_match)


def json_response(
    value: Any, varying: Headers = (), status: int = 200, headers: Headers = JSON
) -> ApiResponse:
    """Return a response with `value` as JSON. `headers` are constants that include JSON."""
    return ApiResponse(status, headers, _encoder.encode(value) + b"\n", varying)


def json_response_with_etag(value: Any, if_none_match: str | None) -> ApiResponse:
    """Return a response with `value` as JSON, and with an ETag.

    Return a 304 response without body if `if_none_match` contains this ETag.
    """
    body = _encoder.encode(value) + b"\n"
    etag = hashlib.sha1(body, usedforsecurity=False).hexdigest()  # as werkzeug's generate_etag
    varying = (("ETag", f'"{etag}"'),)
    if if_none_match is not None and parse_etags(if_none_match).contains_weak(etag):
        return ApiResponse(304, varying=varying)
    return ApiResponse(200, JSON, body, varying)


def flask_response(api_response: ApiResponse) -> Response:
    """Convert an ApiResponse to a Flask response."""
    headers = api_response.headers + api_response.varying
    response = Response(api_response.body, api_response.status, headers)
    if JSON[0] not in api_response.headers:
        del response.headers["Content-Type"]  # Flask has added its default
    return response


def json_number(number: float | None) -> float | None:
    """Return `number` for JSON. A whole number becomes an integer: 3600, not 3600.0."""
    return int(number) if number is not None and number % 1 == 0 else number
