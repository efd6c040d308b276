"""What the routes share: the caller, the services, reading a body, answering."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, NamedTuple, NoReturn, TypeVar, cast

import flask_smorest
import msgspec
from flask import Request, Response, current_app, g, request
from gunicorn.http.errors import ParseException
from marshmallow import Schema
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import RequestEntityTooLarge

from resume_service.auth.identity import Identity
from resume_service.error_answers import described
from resume_service.errors import BadRequest, UnsupportedMediaType, ValidationFailed
from resume_service.limits.turns import Limit
from resume_service.resume.store import ResumeStore
from resume_service.services import Services

View = TypeVar("View", bound=Callable[..., Any])


def services() -> Services:
    return cast(Services, current_app.extensions["resume_service"])


def current_user() -> Identity:
    """Who calls. Set for every route that is not public, before the route runs."""
    return cast(Identity, g.identity)


def take_turn(limit: Limit, whom: str) -> None:
    """Count this request against `limit` of `whom`; its answer tells what is left.

    Raises TooManyRequests and Unavailable.
    """
    g.limit_headers = services().turns.take(limit, whom, arrived_at())


def arrived_at() -> datetime:
    """When this request reached the service."""
    return cast(datetime, g.beginning.arrived_at)


def _whole_number(digits: str) -> float:
    """A number of any length: Python refuses to make an int of thousands of digits."""
    return int(digits) if len(digits) <= EXACT_DIGITS else float(digits)


EXACT_DIGITS = 15
"""Any integer of that many digits is a float without loss."""
_decoder = json.JSONDecoder(parse_int=_whole_number)
_encoder = msgspec.json.Encoder()


class Asked(NamedTuple):
    """A request as a dialect sees it, whoever has read it."""

    points: ResumeStore
    caller: Identity
    arrived_at: datetime
    path: str
    query: str


class Answer(NamedTuple):
    """What a dialect has to say, whoever carries it to the caller."""

    status: int
    headers: Mapping[str, str] = {}
    body: bytes = b""


def asked() -> Asked:
    """What this request asks, by way of Flask."""
    query = request.query_string.decode()
    return Asked(services().points, current_user(), arrived_at(), request.path, query)


def json_answer(value: Any) -> Answer:
    return Answer(200, {"Content-Type": "application/json"}, _encoder.encode(value) + b"\n")


def respond(answer: Answer) -> Response:
    """`answer` by way of Flask."""
    response = Response(answer.body, answer.status, answer.headers)
    if "Content-Type" not in answer.headers:
        del response.headers["Content-Type"]
    return response


class BodyParser(FlaskParser):
    """Reads request bodies and query strings, and raises our errors for what it refuses."""

    takes: tuple[str, ...] = ("application/json",)
    """Media types."""

    def load_json(self, req: Request, schema: Schema) -> dict[str, Any]:
        if req.mimetype not in self.takes:
            raise UnsupportedMediaType
        return json_object(req)

    def handle_error(
        self, error: Any, req: Request, schema: Schema, *, error_status_code: int | None, **_: Any
    ) -> NoReturn:
        ((_location, details),) = error.messages.items()
        raise ValidationFailed(details, error_status_code or 422) from error


class OptionalBodyParser(BodyParser):
    """Takes no body at all for an object without fields."""

    def load_json(self, req: Request, schema: Schema) -> dict[str, Any]:
        has_body = req.content_length or "HTTP_TRANSFER_ENCODING" in req.environ
        return super().load_json(req, schema) if has_body else {}


class BeaconParser(BodyParser):
    """Also takes JSON sent as `text/plain`: all that a browser's `sendBeacon` sends unasked."""

    takes = (*BodyParser.takes, "text/plain")


def json_object(req: Request) -> dict[str, Any]:
    """The body as a JSON object in UTF-8. Raises BadRequest when it is not one."""
    try:
        body = decoded(whole_body(req))
    except (ValueError, RecursionError):
        raise BadRequest("The body is not JSON") from None
    if not isinstance(body, dict):
        raise BadRequest("The body is not a JSON object")
    return body


def decoded(body: bytes) -> Any:
    """The JSON in `body`. Raises ValueError or RecursionError when it is none."""
    return _decoder.decode(body.decode())


def whole_body(req: Request) -> bytes:
    """The bytes of the body. Raises BadRequest when not all of them arrive, or they are too many."""
    try:
        body = req.get_data(cache=False)
        # werkzeug cuts a body that does not state its length where it should refuse it.
        more = req.environ.get("wsgi.input_terminated") and req.environ["wsgi.input"].read(1)
    except (OSError, ParseException):  # the latter is gunicorn's word for a malformed chunk
        raise BadRequest("The body is broken off or badly chunked") from None
    if more:
        raise RequestEntityTooLarge
    if len(body) < (req.content_length or 0):
        raise BadRequest("The body is broken off")
    return body


def json_number(number: float | None) -> float | None:
    """`number` as a reader of JSON expects it: 3600, not 3600.0."""
    return int(number) if number is not None and number % 1 == 0 else number


def unless_unchanged(response: Response) -> Response:
    """`response`, or a 304 where the caller's If-None-Match says that it has just that."""
    etag, _weak = response.get_etag()
    if etag is None or not request.if_none_match.contains_weak(etag):
        return response
    unchanged = Response(status=HTTPStatus.NOT_MODIFIED)
    unchanged.set_etag(etag)
    del unchanged.headers["Content-Type"]
    return unchanged


class Blueprint(flask_smorest.Blueprint):
    """A blueprint whose arguments are read by BodyParser and whose errors are documented."""

    ARGUMENTS_PARSER = BodyParser()

    def errors(
        self,
        *statuses: int,
        public: bool = False,
        examples: Mapping[int, Any] = MappingProxyType({}),
    ) -> Callable[[View], View]:
        """Document the errors of a route besides the 500 of any, and whether it needs a token.

        `examples` are of those errors that this route words in its own way.
        """
        operation: dict[str, Any] = {
            "responses": {
                str(status): described(status, examples.get(status)) for status in (*statuses, 500)
            }
        }
        if public:
            operation["security"] = []

        def document(view: View) -> View:
            return self.doc(**operation)(view)

        return document


class SaveBlueprint(Blueprint):
    """A blueprint of a dialect whose players may save by `sendBeacon`."""

    ARGUMENTS_PARSER = BeaconParser()
