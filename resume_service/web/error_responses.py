"""Error responses.

All errors have the same JSON format: ours, Flask's and unexpected exceptions.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import flask_smorest
from flask import Response, jsonify
from marshmallow import Schema, fields
from werkzeug.exceptions import HTTPException, InternalServerError

from resume_service.errors import (
    Conflict,
    Forbidden,
    OriginFailed,
    OriginTimeout,
    PrerequisitesMissing,
    RangeNotSatisfiable,
    ServiceError,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    UnsupportedMediaType,
    ValidationFailed,
)
from resume_service.telemetry import metrics
from resume_service.web.groups import BY_BLUEPRINT, GROUPS
from resume_service.web.messages import JSON, ApiResponse, Headers, flask_response

REFUSED_REASONS: dict[type[ServiceError], str] = {
    Unauthorized: "unauthorized",
    Forbidden: "forbidden",
    TooManyRequests: "rate_limited",
}
"""The errors that increment the metric `resume_refused`, each with its label in this metric."""

INTERNAL_ERROR = "Internal server error"
"""The message of an unexpected error. The log contains the details and the request id."""


class ErrorSchema(Schema):
    """The JSON format of every error."""

    error = fields.String(required=True, metadata={"example": "Progress not found"})
    details = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String()),
        metadata={"description": "The errors of each field, if the validation failed."},
    )


ERROR = {"$ref": "#/components/schemas/Error"}
"""A reference to ErrorSchema in the OpenAPI document.

To use the reference is faster than to convert ErrorSchema for each route.
"""


class Api(flask_smorest.Api):
    """The API object of flask-smorest, but with our format of error responses."""

    ERROR_SCHEMA = ErrorSchema
    DEFAULT_ERROR_RESPONSE_NAME = None  # each route documents its own errors

    def register_blueprint(self, blp: flask_smorest.Blueprint, **options: Any) -> None:
        """Add a blueprint, and its group to the tags of the document."""
        super().register_blueprint(blp, **options)
        used = {tag["name"] for tag in self.spec.options.get("tags", ())}
        used.add(BY_BLUEPRINT[blp.name].name)
        # These tags replace those of flask-smorest, which have the names of the blueprints.
        self.spec.options["tags"] = [each.as_tag() for each in GROUPS if each.name in used]

    def handle_http_exception(self, error: HTTPException) -> Response:
        """Return the response to an error of Flask (404, 405, 413 …) or an unexpected exception."""
        response = jsonify(
            error=INTERNAL_ERROR if isinstance(error, InternalServerError) else error.name
        )
        response.status_code = error.code or InternalServerError.code
        response.headers.extend(
            (name, value)
            for name, value in error.get_headers()
            if name.lower() not in ("content-type", "content-length")
        )
        return response


def service_error_response(error: ServiceError) -> ApiResponse:
    """Return the response to a ServiceError that a route raised. Count it in the metrics.

    Flask and the fast lane use this function.
    """
    kind = type(error)
    count_if_refused(error)
    details = error.details if isinstance(error, ValidationFailed | PrerequisitesMissing) else None
    headers = tuple(error.headers.items())
    if details is None and error.headers is kind.headers:
        return _constant_response(error.status, error.message, headers)
    return ApiResponse(error.status, JSON, _error_body(error.message, details), headers)


def count_if_refused(error: ServiceError) -> None:
    """Count the error in the metric `resume_refused`, if it is one of REFUSED_REASONS."""
    if reason := REFUSED_REASONS.get(type(error)):
        metrics.count_refused(reason)


def render_service_error(error: ServiceError) -> Response:
    """Return the response of Flask to a ServiceError that a route raised."""
    return flask_response(service_error_response(error))


@functools.lru_cache(maxsize=256)  # there are only a few dozen messages: 0.1 us instead of 5
def _constant_response(status: int, message: str, headers: Headers) -> ApiResponse:
    return ApiResponse(status, JSON + headers, _error_body(message, None))


def _error_body(message: str, details: Mapping[str, list[str]] | None) -> bytes:
    """Return the JSON of an error, in the format of Flask's `jsonify`."""
    body: dict[str, Any] = {"error": message}
    if details is not None:
        body["details"] = details
    return json.dumps(body, separators=(",", ":")).encode() + b"\n"


EXAMPLES: dict[int, dict[str, Any]] = {
    400: {"error": "Validation failed", "details": {"currentTime": ["Must be a number."]}},
    401: {"error": Unauthorized.message},
    403: {"error": Forbidden.message},
    404: {"error": "Progress not found"},
    409: {"error": Conflict.message},
    413: {"error": "Request Entity Too Large"},
    415: {"error": UnsupportedMediaType.message},
    416: {"error": RangeNotSatisfiable.message},
    422: {
        "error": "Validation failed",
        "details": {"limit": ["Must be an integer from 1 to 100."]},
    },
    429: {"error": TooManyRequests.message},
    500: {"error": INTERNAL_ERROR},
    502: {"error": OriginFailed.message},
    503: {"error": Unavailable.message},
    504: {"error": OriginTimeout.message},
}

RETRY_AFTER = {"description": "Seconds until the client may retry.", "schema": {"type": "integer"}}
LIMIT_HEADERS = {
    "RateLimit": {"schema": {"type": "string"}, "example": '"sign-in";r=0;t=42'},
    "RateLimit-Policy": {"schema": {"type": "string"}, "example": '"sign-in";q=10;w=60'},
}
"""Headers of the responses of rate-limited routes (draft-ietf-httpapi-ratelimit-headers)."""

HEADERS: dict[int, dict[str, Any]] = {
    401: {"WWW-Authenticate": {"schema": {"type": "string", "enum": ["Bearer"]}}},
    416: {"Content-Range": {"schema": {"type": "string"}, "example": "bytes */1048576"}},
    429: {"Retry-After": RETRY_AFTER, **LIMIT_HEADERS},
    503: {"Retry-After": RETRY_AFTER},
}
"""The headers of the error responses with each status, for the OpenAPI document."""


def error_response(status: int, example: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the OpenAPI description of an error response with this status."""
    content = {"schema": ERROR, "example": example or EXAMPLES[status]}
    return {
        "description": HTTPStatus(status).phrase,
        "content": {"application/json": content},
        "headers": HEADERS.get(status, {}),
    }


def named_error_response(status: int, error: str, **details: list[str]) -> dict[str, Any]:
    """Return an OpenAPI description like `error_response`, with an example of one route.

    `error` and `details` are the message and the details in this example.
    """
    example: dict[str, Any] = {"error": error} | ({"details": details} if details else {})
    return error_response(status, example)
