"""Parses ordinary HTTP/1.1 requests for the fast lane (see `web/fast_lane.py`).

The head of a request is the request line and the header fields. In an ordinary request, the head
consists of lines of printable ASCII that end with CRLF. No header field occurs twice. No header
field changes how the end of the body is found, or closes the connection. RFC 9112 allows only one
interpretation of such a request. gunicorn parses every other request, starting at the first byte.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from resume_service.server.limits import MAX_FAST_HEAD, MAX_FIELDS, MAX_REQUEST_LINE
from resume_service.web.fast_request import is_ordinary_host
from resume_service.web.messages import FastRequest

LEFT_TO_GUNICORN = frozenset(
    {
        "HTTP_TRANSFER_ENCODING",
        "HTTP_EXPECT",
        "HTTP_UPGRADE",
        "HTTP_X_FORWARDED_SSL",  # gunicorn rejects it if it contradicts X-Forwarded-Proto
        "HTTP_X_FORWARDED_PROTOCOL",
    }
)
"""A request with one of these header fields is not ordinary."""
NEVER_CACHED = frozenset(
    {"HTTP_AUTHORIZATION", "HTTP_COOKIE", "HTTP_X_REQUEST_ID", "HTTP_IDEMPOTENCY_KEY"}
)
"""Header fields that are secret, or different in each request."""
MAX_CACHED_FIELDS = 4096
"""Maximum number of header fields in the cache."""
MAX_CACHED_LENGTH = 256
"""Maximum bytes of a header field in the cache."""

# The path has no `%`, and path and query have no `#`, because Flask interprets these.
_match_request_line = re.compile(
    r"""(GET|POST|PUT|DELETE) (/[!"$&->@-~]*)(?:\?([!"$-~]*))? HTTP/1\.1"""
).fullmatch
_match_start = re.compile(rb"(GET|POST|PUT|DELETE) /").match
_match_length = re.compile(r"[0-9]{1,19}").fullmatch
_match_unambiguous_name = re.compile(r"[A-Za-z0-9-]+").fullmatch
"""Does not match a name with `_`, because WSGI uses the same name for `_` and `-`."""
_AUTHORIZATION = b"Authorization: "
PRINTABLE = bytes(range(ord(" "), ord("~") + 1))
"""The printable characters of ASCII."""

COMMON_LINES = (b"POST /api/progress HTTP/1.1",)
"""Request lines without ids, so that many requests have them. Their cache saves 0.4 us."""
_cached_lines: dict[bytes, tuple[str, str, str]] = {}
_cached_fields: dict[bytes, tuple[str, str]] = {}
"""The name and value of common header fields, by their bytes. Saves 4 us of a request of 6 fields."""


class Incomplete(NamedTuple):
    """The received bytes are the start of a request that may be ordinary."""


INCOMPLETE = Incomplete()


def parse(data: bytes, largest_body: int) -> tuple[FastRequest, int] | Incomplete | None:
    """Parse the request at the start of `data`. Return it, and the number of its bytes.

    Return None if the request is not ordinary.
    """
    end_of_head = data.find(b"\r\n\r\n", 0, MAX_FAST_HEAD)
    if end_of_head < 0:
        is_possible = len(data) < MAX_FAST_HEAD and _match_start(data)
        return INCOMPLETE if is_possible else None
    return _parse(data, end_of_head, largest_body)


def _parse(
    data: bytes, end_of_head: int, largest_body: int
) -> tuple[FastRequest, int] | Incomplete | None:
    fields = data[:end_of_head].split(b"\r\n")
    first = fields.pop(0)
    request_line = _cached_lines.get(first) or _parse_request_line(first)
    if request_line is None or len(fields) > MAX_FIELDS:
        return None
    headers: dict[str, str] = {}
    for line in fields:
        field = _cached_fields.get(line) or _parse_field(line)
        if field is None:
            return None
        headers[field[0]] = field[1]
    if len(headers) != len(fields):
        return None  # a field occurs twice
    start = end = end_of_head + 4
    if length := headers.get("CONTENT_LENGTH"):
        if int(length) > largest_body:
            return None
        end += int(length)
        if len(data) < end:
            return INCOMPLETE
    method, path, query = request_line
    return FastRequest(method, path, query, headers, data[start:end]), end


def _parse_request_line(line: bytes) -> tuple[str, str, str] | None:
    """Return the method, the path and the query. Return None if the line is not ordinary."""
    matched = _match_request_line(line.decode("latin-1"))
    if matched is None or len(line) > MAX_REQUEST_LINE:
        return None
    method, path, query = matched.groups("")
    request_line = method, path, query
    if line in COMMON_LINES:
        _cached_lines[line] = request_line
    return request_line


def _parse_field(line: bytes) -> tuple[str, str] | None:
    """Return the WSGI name and the value of a header field. Return None if it is not ordinary."""
    if line.translate(None, PRINTABLE):  # 0.2 us less than `isprintable` for a token
        return None
    text = line.decode()
    if line.startswith(_AUTHORIZATION):  # in almost all requests, and never cached
        return "HTTP_AUTHORIZATION", text[len(_AUTHORIZATION) :].strip(" ")
    name, colon, value = text.partition(":")
    if not colon or not _match_unambiguous_name(name):
        return None
    wsgi_name = name.upper().replace("-", "_")
    if wsgi_name not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        wsgi_name = f"HTTP_{wsgi_name}"
    value = value.strip(" ")
    if (
        wsgi_name in LEFT_TO_GUNICORN
        or (wsgi_name == "CONTENT_LENGTH" and not _match_length(value))
        or (wsgi_name == "HTTP_CONNECTION" and value.lower() != "keep-alive")
        or (wsgi_name == "HTTP_HOST" and not is_ordinary_host(value))
    ):
        return None
    field = wsgi_name, value
    if len(line) <= MAX_CACHED_LENGTH and wsgi_name not in NEVER_CACHED:
        if len(_cached_fields) >= MAX_CACHED_FIELDS:
            _cached_fields.clear()
        _cached_fields[line] = field
    return field
