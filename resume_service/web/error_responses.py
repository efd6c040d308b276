"""Error responses: one JSON shape for our errors, the framework's and unexpected ones."""

from __future__ import annotations

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

REFUSED_REASONS: dict[type[ServiceError], str] = {
    Unauthorized: "unauthorized",
    Forbidden: "forbidden",
    TooManyRequests: "rate_limited",
}
"""The errors that the metric `resume_refused` counts, and the label of each."""

INTERNAL_ERROR = "Internal server error"
"""The only text of an unexpected error. The log has the details, with the request id."""


class ErrorSchema(Schema):
    """The JSON shape of every error."""

    error = fields.String(required=True, metadata={"example": "Progress not found"})
    details = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String()),
        metadata={"description": "For a failed validation: the errors of each field."},
    )


ERROR = {"$ref": "#/components/schemas/Error"}
"""A reference to ErrorSchema in the OpenAPI document. Converting the schema each time is slower."""


class Api(flask_smorest.Api):
    """flask-smorest with the service's own error bodies."""

    ERROR_SCHEMA = ErrorSchema
    DEFAULT_ERROR_RESPONSE_NAME = None  # each route documents its own errors

    def handle_http_exception(self, error: HTTPException) -> Response:
        """Render an error of the framework (404, 405, 413 …) or an unexpected exception."""
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


def render_service_error(error: ServiceError) -> Response:
    """The response to a ServiceError from any route."""
    if reason := REFUSED_REASONS.get(type(error)):
        metrics.refused.labels(reason).inc()
    body: dict[str, Any] = {"error": error.message}
    if isinstance(error, ValidationFailed | PrerequisitesMissing):
        body["details"] = error.details
    response = jsonify(body)
    response.status_code = error.status
    response.headers.update(error.headers)
    return response


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

RETRY_AFTER = {"description": "Seconds.", "schema": {"type": "integer"}}
LIMIT_HEADERS = {
    "RateLimit": {"schema": {"type": "string"}, "example": '"sign-in";r=0;t=42'},
    "RateLimit-Policy": {"schema": {"type": "string"}, "example": '"sign-in";q=10;w=60'},
}
"""Headers of every response with a rate limit (draft-ietf-httpapi-ratelimit-headers)."""

HEADERS: dict[int, dict[str, Any]] = {
    401: {"WWW-Authenticate": {"schema": {"type": "string", "enum": ["Bearer"]}}},
    416: {"Content-Range": {"schema": {"type": "string"}, "example": "bytes */1048576"}},
    429: {"Retry-After": RETRY_AFTER, **LIMIT_HEADERS},
    503: {"Retry-After": RETRY_AFTER},
}
"""Headers of error responses, by status."""


def error_response(status: int, example: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The OpenAPI description of an error response with this status."""
    content = {"schema": ERROR, "example": example or EXAMPLES[status]}
    return {
        "description": HTTPStatus(status).phrase,
        "content": {"application/json": content},
        "headers": HEADERS.get(status, {}),
    }


def named_error_response(status: int, error: str, **details: list[str]) -> dict[str, Any]:
    """As `error_response`, with this route's message and details as the example."""
    example: dict[str, Any] = {"error": error} | ({"details": details} if details else {})
    return error_response(status, example)
