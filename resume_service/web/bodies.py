"""Reads request bodies: JSON objects, validated by a schema, rejected with our errors."""

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
    """Parse a number of any length. Python's `int` rejects thousands of digits."""
    return int(digits) if len(digits) <= EXACT_DIGITS else float(digits)


EXACT_DIGITS = 15
"""A float stores any integer of this many digits exactly."""
_decoder = json.JSONDecoder(parse_int=_whole_number)


class BodyParser(FlaskParser):
    """Reads request bodies and query strings. Raises our errors for invalid ones."""

    media_types: tuple[str, ...] = ("application/json",)
    """Accepted media types of a body."""
    invalid_message: str | None = None
    """The message of a failed validation, if an API has its own."""

    def load_json(self, req: Request, schema: Schema) -> dict[str, Any]:
        if req.mimetype not in self.media_types:
            raise UnsupportedMediaType
        return json_object(req)

    def handle_error(
        self, error: Any, req: Request, schema: Schema, *, error_status_code: int | None, **_: Any
    ) -> NoReturn:
        ((_location, details),) = error.messages.items()
        messages = {str(field): list(_messages(errors)) for field, errors in details.items()}
        raise ValidationFailed(messages, error_status_code or 422, self.invalid_message) from error


def _messages(errors: Any, path: str = "") -> Iterator[str]:
    """The errors of a field. An error in a nested field starts with a path: `1.name: Too long.`"""
    if isinstance(errors, dict):
        for name, nested in errors.items():
            yield from _messages(nested, f"{path}.{name}" if path else str(name))
    else:
        yield from (f"{path}: {error}" if path else error for error in errors)


class OptionalBodyParser(BodyParser):
    """Reads a missing body as an object without fields."""

    def load_json(self, req: Request, schema: Schema) -> dict[str, Any]:
        has_body = req.content_length or "HTTP_TRANSFER_ENCODING" in req.environ
        return super().load_json(req, schema) if has_body else {}


class BeaconParser(BodyParser):
    """Also accepts JSON as `text/plain`: `sendBeacon` sends that type without a CORS preflight."""

    media_types = (*BodyParser.media_types, "text/plain")


def json_object(req: Request) -> dict[str, Any]:
    """The body as a JSON object in UTF-8. Raises BadRequest for any other body."""
    try:
        body = decode_json(read_body(req))
    except (ValueError, RecursionError):
        raise BadRequest("The body is not JSON") from None
    if not isinstance(body, dict):
        raise BadRequest("The body is not a JSON object")
    return body


def decode_json(body: bytes) -> Any:
    """Parse JSON in UTF-8. Raises ValueError or RecursionError if it is invalid."""
    return _decoder.decode(body.decode())


def read_body(req: Request) -> bytes:
    """The bytes of the body.

    Raises BadRequest for an incomplete body, and RequestEntityTooLarge.
    """
    try:
        body = req.get_data(cache=False)
        # werkzeug truncates a large body without Content-Length instead of rejecting it.
        more = req.environ.get("wsgi.input_terminated") and req.environ["wsgi.input"].read(1)
    except (OSError, ParseException):  # gunicorn raises ParseException for a malformed chunk
        raise BadRequest("The body is broken off or badly chunked") from None
    if more:
        raise RequestEntityTooLarge
    if len(body) < (req.content_length or 0):
        raise BadRequest("The body is broken off")
    return body
