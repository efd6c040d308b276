"""Reading request bodies: JSON objects, checked against a schema, refused in our own words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NoReturn

from flask import Request
from gunicorn.http.errors import ParseException
from marshmallow import Schema
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import RequestEntityTooLarge

from resume_service.errors import BadRequest, UnsupportedMediaType, ValidationFailed


def _whole_number(digits: str) -> float:
    """A number of any length: Python refuses to make an int of thousands of digits."""
    return int(digits) if len(digits) <= EXACT_DIGITS else float(digits)


EXACT_DIGITS = 15
"""Any integer of that many digits is a float without loss."""
_decoder = json.JSONDecoder(parse_int=_whole_number)


class BodyParser(FlaskParser):
    """Reads request bodies and query strings, and raises our errors for what it refuses."""

    media_types: tuple[str, ...] = ("application/json",)
    """Media types."""
    invalid_message: str | None = None
    """What an API says of values out of range, where it doesn't say what others do."""

    def load_json(self, req: Request, schema: Schema) -> dict[str, Any]:
        if req.mimetype not in self.media_types:
            raise UnsupportedMediaType
        return json_object(req)

    def handle_error(
        self, error: Any, req: Request, schema: Schema, *, error_status_code: int | None, **_: Any
    ) -> NoReturn:
        ((_location, details),) = error.messages.items()
        named = {str(field): list(_messages(faults)) for field, faults in details.items()}
        raise ValidationFailed(named, error_status_code or 422, self.invalid_message) from error


def _messages(faults: Any, within: str = "") -> Iterator[str]:
    """What is wrong with a field, and where in it when it holds others: `1.name: Too long.`"""
    if isinstance(faults, dict):
        for name, deeper in faults.items():
            yield from _messages(deeper, f"{within}.{name}" if within else str(name))
    else:
        yield from (f"{within}: {fault}" if within else fault for fault in faults)


class OptionalBodyParser(BodyParser):
    """Takes no body at all for an object without fields."""

    def load_json(self, req: Request, schema: Schema) -> dict[str, Any]:
        has_body = req.content_length or "HTTP_TRANSFER_ENCODING" in req.environ
        return super().load_json(req, schema) if has_body else {}


class BeaconParser(BodyParser):
    """Also takes JSON sent as `text/plain`: all that a browser's `sendBeacon` sends unasked."""

    media_types = (*BodyParser.media_types, "text/plain")


def json_object(req: Request) -> dict[str, Any]:
    """The body as a JSON object in UTF-8. Raises BadRequest when it is not one."""
    try:
        body = decode_json(read_body(req))
    except (ValueError, RecursionError):
        raise BadRequest("The body is not JSON") from None
    if not isinstance(body, dict):
        raise BadRequest("The body is not a JSON object")
    return body


def decode_json(body: bytes) -> Any:
    """The JSON in `body`. Raises ValueError or RecursionError when it is none."""
    return _decoder.decode(body.decode())


def read_body(req: Request) -> bytes:
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
