"""Reads request bodies as JSON objects and validates them with a schema.

If a body is invalid, the parsers raise an error with the status 400, 413, 415 or 422.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NoReturn, cast

from flask import Request
from gunicorn.http.errors import ParseException
from marshmallow import Schema, ValidationError
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import RequestEntityTooLarge

from resume_service.errors import BadRequest, UnsupportedMediaType, ValidationFailed


def _whole_number(digits: str) -> float:
    """Parse an integer of any length.

    Python's `int` rejects an integer with thousands of digits.
    """
    return int(digits) if len(digits) <= EXACT_DIGITS else float(digits)


EXACT_DIGITS = 15
"""Maximum number of digits of an integer that a float always stores exactly."""
_decoder = json.JSONDecoder(parse_int=_whole_number)


class BodyParser(FlaskParser):
    """Reads request bodies and query strings. Raises ValidationFailed if they break the schema."""

    media_types: tuple[str, ...] = ("application/json",)
    """The accepted media types of a body."""
    invalid_message: str | None = None
    """The message of a failed validation. None: the message of ValidationFailed is used."""

    def load_json(self, req: Request, schema: Schema) -> dict[str, Any]:
        if req.mimetype not in self.media_types:
            raise UnsupportedMediaType
        return json_object(read_body(req))

    def handle_error(
        self, error: Any, req: Request, schema: Schema, *, error_status_code: int | None, **_: Any
    ) -> NoReturn:
        ((_location, details),) = error.messages.items()
        raise _failure(details, error_status_code or 422, self.invalid_message) from error


def load_body(
    schema: Schema, body: bytes, status: int = 422, message: str | None = None
) -> dict[str, Any]:
    """Return the fields of a body, as BodyParser does.

    Raises BadRequest if it is no JSON object. Raises ValidationFailed with `status` and `message` if
    it breaks the schema.
    """
    return load(schema, json_object(body), status, message)


def load(
    schema: Schema, values: dict[str, Any], status: int = 422, message: str | None = None
) -> dict[str, Any]:
    """Validate `values`. Raises ValidationFailed like BodyParser."""
    try:
        return dict(schema.load(values))
    except ValidationError as error:
        raise _failure(cast(dict[str, Any], error.messages), status, message) from error


def _failure(details: dict[Any, Any], status: int, message: str | None) -> ValidationFailed:
    """Return the error for the messages of a marshmallow schema."""
    messages = {str(field): list(_messages(errors)) for field, errors in details.items()}
    return ValidationFailed(messages, status, message)


def _messages(errors: Any, path: str = "") -> Iterator[str]:
    """Return the errors of a field.

    The error of a nested field starts with the path to this field, for example `1.name: Too long.`
    """
    if isinstance(errors, dict):
        for name, nested in errors.items():
            yield from _messages(nested, f"{path}.{name}" if path else str(name))
    else:
        yield from (f"{path}: {error}" if path else error for error in errors)


class OptionalBodyParser(BodyParser):
    """Reads a body. If the request has no body, the result is an object without fields."""

    def load_json(self, req: Request, schema: Schema) -> dict[str, Any]:
        has_body = req.content_length or "HTTP_TRANSFER_ENCODING" in req.environ
        return super().load_json(req, schema) if has_body else {}


class BeaconParser(BodyParser):
    """Accepts JSON with the media type `text/plain` too.

    The browser function `sendBeacon` sends `text/plain` without a CORS preflight request.
    """

    media_types = (*BodyParser.media_types, "text/plain")


def json_object(body: bytes) -> dict[str, Any]:
    """Parse a body, which must be a JSON object in UTF-8.

    Raises BadRequest for any other body.
    """
    try:
        value = decode_json(body)
    except (ValueError, RecursionError):
        raise BadRequest("The body is not JSON") from None
    if not isinstance(value, dict):
        raise BadRequest("The body is not a JSON object")
    return value


def decode_json(body: bytes) -> Any:
    """Parse JSON in UTF-8. Raises ValueError if it is invalid.

    Raises RecursionError if its arrays or objects are nested too deeply.
    """
    return _decoder.decode(body.decode())


def read_body(req: Request) -> bytes:
    """Return the bytes of the body.

    Raises BadRequest if the body is incomplete or has malformed chunks. Raises
    RequestEntityTooLarge if the body is larger than MAX_CONTENT_LENGTH.
    """
    try:
        body = req.get_data(cache=False)
        # If a body without Content-Length is too large, werkzeug truncates it and raises no error.
        more = req.environ.get("wsgi.input_terminated") and req.environ["wsgi.input"].read(1)
    except (OSError, ParseException):  # gunicorn raises ParseException for a malformed chunk
        raise BadRequest("The body is broken off or badly chunked") from None
    if more:
        raise RequestEntityTooLarge
    if len(body) < (req.content_length or 0):
        raise BadRequest("The body is broken off")
    return body
