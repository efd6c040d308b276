"""Requests and responses that do not depend on Flask, and conversions from and to Flask.

The fast lane answers ordinary requests before Flask (see `fast_lane.py`). Route functions use the
types of this module. So the fast lane and Flask can call the same functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, NamedTuple

import msgspec
from flask import Response, request

from resume_service.auth.identity import Identity
from resume_service.web.context import arrived_at, current_user
from resume_service.web.services import Services, services

_encoder = msgspec.json.Encoder()


class FastRequest(NamedTuple):
    """A parsed HTTP request for the fast lane."""

    method: str
    path: str
    """Contains only printable ASCII characters and no percent-escapes."""
    query: str
    headers: Mapping[str, str]
    """The header fields, with their WSGI names as keys."""
    body: bytes


class ApiRequest(NamedTuple):
    """One request. Flask or the fast lane has parsed it."""

    services: Services
    caller: Identity
    arrived_at: datetime
    path: str
    query: str


class ApiResponse(NamedTuple):
    """One response. Flask or the fast lane sends it."""

    status: int
    headers: Mapping[str, str] = {}
    body: bytes = b""


def api_request() -> ApiRequest:
    """Return the current Flask request as an ApiRequest."""
    query = request.query_string.decode()
    return ApiRequest(services(), current_user(), arrived_at(), request.path, query)


def json_response(value: Any) -> ApiResponse:
    """Return a response with status 200 and `value` as JSON."""
    return ApiResponse(200, {"Content-Type": "application/json"}, _encoder.encode(value) + b"\n")


def flask_response(api_response: ApiResponse) -> Response:
    """Convert an ApiResponse to a Flask response."""
    response = Response(api_response.body, api_response.status, api_response.headers)
    if "Content-Type" not in api_response.headers:
        del response.headers["Content-Type"]
    return response


def json_number(number: float | None) -> float | None:
    """Return `number` for JSON. A whole number becomes an integer: 3600, not 3600.0."""
    return int(number) if number is not None and number % 1 == 0 else number


def not_modified_if_match(response: Response) -> Response:
    """Change the status to 304 if `If-None-Match` of the request contains the response's ETag."""
    etag, _weak = response.get_etag()
    if etag is not None and request.if_none_match.contains_weak(etag):
        response.status_code = HTTPStatus.NOT_MODIFIED  # then Werkzeug removes the body
    return response
