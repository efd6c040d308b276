"""What the routes share: the caller, the services, reading a body, rendering a failure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, NoReturn, TypeVar, cast

import flask_smorest
from flask import Request, Response, current_app, g, jsonify
from marshmallow import Schema, fields
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import HTTPException, InternalServerError

from resume_service import metrics
from resume_service.auth.identity import Identity
from resume_service.errors import (
    BadRequest,
    Forbidden,
    ServiceError,
    Unauthorized,
    Unavailable,
    UnsupportedMediaType,
    ValidationFailed,
)
from resume_service.services import Services

OURS = "Internal server error"
"""All that a caller learns of a defect of ours; the log has the rest beside the request's id."""

View = TypeVar("View", bound=Callable[..., Any])


def services() -> Services:
    return cast(Services, current_app.extensions["resume_service"])


def current_user() -> Identity:
    """Who calls. Set for every route that is not public, before the route runs."""
    return cast(Identity, g.identity)


def arrived_at() -> datetime:
    """When this request reached the service."""
    return cast(datetime, g.arrived_at)


class ErrorSchema(Schema):
    """The one shape of every failure."""

    error = fields.String(required=True, metadata={"example": "Progress not found"})
    details = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String()),
        metadata={"description": "For a failed validation: what is wrong with each field."},
    )


class Api(flask_smorest.Api):
    """flask-smorest with the service's own error bodies."""

    ERROR_SCHEMA = ErrorSchema
    DEFAULT_ERROR_RESPONSE_NAME = None  # each route documents its own failures

    def handle_http_exception(self, error: HTTPException) -> Response:
        """Render what the framework refuses by itself (404, 405, 413 …) and a defect of ours."""
        response = jsonify(error=OURS if isinstance(error, InternalServerError) else error.name)
        response.status_code = error.code or InternalServerError.code
        response.headers.extend(
            (name, value)
            for name, value in error.get_headers()
            if name.lower() not in ("content-type", "content-length")
        )
        return response


def render_service_error(error: ServiceError) -> Response:
    """The answer to a failure of ours, whatever route raised it."""
    if isinstance(error, Unauthorized | Forbidden):
        metrics.refused.labels(type(error).__name__.lower()).inc()
    body: dict[str, Any] = {"error": error.message}
    if isinstance(error, ValidationFailed):
        body["details"] = error.details
    response = jsonify(body)
    response.status_code = error.status
    response.headers.update(error.headers)
    return response


class BodyParser(FlaskParser):
    """Reads request bodies and query strings, and raises our errors for what it refuses."""

    also_takes: tuple[str, ...] = ()

    def load_json(self, req: Request, schema: Schema) -> dict[str, Any]:
        kind = req.mimetype
        if kind != "application/json" and kind not in self.also_takes:
            raise UnsupportedMediaType
        return json_object(req)

    def handle_error(
        self, error: Any, req: Request, schema: Schema, *, error_status_code: int | None, **_: Any
    ) -> NoReturn:
        ((_location, details),) = error.messages.items()
        raise ValidationFailed(details, error_status_code or 422) from error


class BeaconParser(BodyParser):
    """Also takes JSON sent as `text/plain`: all that a browser's `sendBeacon` sends unasked."""

    also_takes = ("text/plain",)


def json_object(req: Request) -> dict[str, Any]:
    """The body as a JSON object in UTF-8. Raises BadRequest when it is not one."""
    try:
        body = json.loads(req.get_data(cache=False).decode())
    except (ValueError, RecursionError):
        raise BadRequest("The body is not JSON") from None
    if not isinstance(body, dict):
        raise BadRequest("The body is not a JSON object")
    return body


EXAMPLE_FAILURES: dict[int, dict[str, Any]] = {
    400: {"error": "Validation failed", "details": {"currentTime": ["Must be a number."]}},
    401: {"error": Unauthorized.message},
    403: {"error": Forbidden.message},
    404: {"error": "Progress not found"},
    413: {"error": "Request Entity Too Large"},
    415: {"error": UnsupportedMediaType.message},
    500: {"error": OURS},
    503: {"error": Unavailable.message},
}


def empty_response(headers: Mapping[str, str] | None = None) -> Response:
    """A 204."""
    response = Response(status=204, headers=headers)
    del response.headers["Content-Type"]
    return response


def json_number(number: float | None) -> float | None:
    """`number` as a reader of JSON expects it: 3600, not 3600.0."""
    return int(number) if number is not None and number == int(number) else number


class Blueprint(flask_smorest.Blueprint):
    """A blueprint whose arguments are read by BodyParser and whose failures are documented."""

    ARGUMENTS_PARSER = BodyParser()

    def failures(self, *statuses: int, public: bool = False) -> Callable[[View], View]:
        """Document these failures of a route, the 500 and 503 that any may give, and who enters."""
        responses = {
            str(status): {
                "description": HTTPStatus(status).phrase,
                "content": {
                    "application/json": {
                        "schema": ErrorSchema,
                        "example": EXAMPLE_FAILURES[status],
                    }
                },
            }
            for status in (*statuses, 500, 503)
        }
        openness: dict[str, Any] = {"security": []} if public else {}

        def document(view: View) -> View:
            return self.doc(responses=responses, **openness)(view)

        return document


class SaveBlueprint(Blueprint):
    """A blueprint of a dialect whose players may save by `sendBeacon`."""

    ARGUMENTS_PARSER = BeaconParser()
