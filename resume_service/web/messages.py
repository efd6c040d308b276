"""What the routes share: the caller, the services, answering, documenting."""

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


class ApiRequest(NamedTuple):
    """A request as a dialect sees it, whoever has read it."""

    services: Services
    caller: Identity
    arrived_at: datetime
    path: str
    query: str


class ApiResponse(NamedTuple):
    """What a dialect has to say, whoever carries it to the caller."""

    status: int
    headers: Mapping[str, str] = {}
    body: bytes = b""


def api_request() -> ApiRequest:
    """What this request asks, by way of Flask."""
    query = request.query_string.decode()
    return ApiRequest(services(), current_user(), arrived_at(), request.path, query)


def json_response(value: Any) -> ApiResponse:
    return ApiResponse(200, {"Content-Type": "application/json"}, _encoder.encode(value) + b"\n")


def flask_response(answer: ApiResponse) -> Response:
    """`answer` by way of Flask."""
    response = Response(answer.body, answer.status, answer.headers)
    if "Content-Type" not in answer.headers:
        del response.headers["Content-Type"]
    return response


def json_number(number: float | None) -> float | None:
    """`number` as a reader of JSON expects it: 3600, not 3600.0."""
    return int(number) if number is not None and number % 1 == 0 else number


def not_modified_if_match(response: Response) -> Response:
    """`response`, or a 304 where the caller's If-None-Match says that it has just that."""
    etag, _weak = response.get_etag()
    if etag is None or not request.if_none_match.contains_weak(etag):
        return response
    unchanged = Response(status=HTTPStatus.NOT_MODIFIED)
    unchanged.set_etag(etag)
    del unchanged.headers["Content-Type"]
    return unchanged
