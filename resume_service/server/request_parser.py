"""Parses ordinary HTTP/1.1 requests for the fast lane (see `web/fast_lane.py`).

The head of a request is the request line and the header fields. In an ordinary request, the head
consists of lines of printable ASCII that end with CRLF. No header field occurs twice. No header
field changes how the end of the body is found, or closes the connection. RFC 9112 allows only one
interpretation of such a request. gunicorn parses every other request, starting at the first byte.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import NamedTuple

from resume_service.server.limits import (
    MAX_FAST_HEAD,
    MAX_FIELDS,
    MAX_REQUEST_LINE,
)

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

_match_request_line = re.compile(r"(GET|POST) (/[^ ?#]*)(?:\?([^ #]*))? HTTP/1\.1").fullmatch
_match_length = re.compile(r"[0-9]{1,19}").fullmatch
_match_unambiguous_name = re.compile(r"[A-Za-z0-9-]+").fullmatch
"""Does not match a name with `_`, because WSGI uses the same name for `_` and `-`."""


class FastRequest(NamedTuple):
    environ: dict[str, str]
    """The method, path, query and header fields, with their WSGI names as keys."""
    body: bytes
    rest: bytes
    """The received bytes after the end of the request."""


def read(
    data: bytes, receive: Callable[[int], bytes], largest_body: int
) -> tuple[FastRequest | None, bytes]:
    """Parse the request at the start of `data`. Return the request, and all received bytes.

    Return None as the request if the request is not ordinary, or if `data` does not contain the
    whole head. If the body is incomplete in `data`, call `receive` until the body is complete.
    """
    end_of_head = data.find(b"\r\n\r\n", 0, MAX_FAST_HEAD)
    environ = _environ(data[:end_of_head]) if end_of_head > 0 else None
    if environ is None:
        return None, data
    length = environ.get("CONTENT_LENGTH", "0")
    if not _match_length(length) or int(length) > largest_body:
        return None, data
    start = end_of_head + 4
    end = start + int(length)
    while len(data) < end:
        more = receive(end - len(data))  # no more: the next request may belong to gunicorn
        if not more:
            return None, data
        data += more
    return FastRequest(environ, data[start:end], data[end:]), data


def _environ(head: bytes) -> dict[str, str] | None:
    """Return the WSGI environ of a head. Return None if the head is not ordinary."""
    try:
        first, *fields = lines = head.decode("ascii").split("\r\n")
    except UnicodeDecodeError:
        return None
    matched = _match_request_line(first)
    if (
        matched is None
        or len(first) > MAX_REQUEST_LINE
        or len(fields) > MAX_FIELDS
        or not "".join(lines).isprintable()
    ):
        return None
    method, path, query = matched.groups("")
    environ = {
        "REQUEST_METHOD": method,
        "RAW_URI": path,
        "PATH_INFO": path,
        "QUERY_STRING": query,
    }
    for field in fields:
        name, colon, value = field.partition(":")
        wsgi_name = _wsgi_name(name)
        if not colon or wsgi_name is None or wsgi_name in environ:
            return None
        environ[wsgi_name] = value.strip(" ")
    keeps_alive = environ.get("HTTP_CONNECTION", "keep-alive").lower() == "keep-alive"
    return environ if keeps_alive else None


@functools.lru_cache(maxsize=1024)  # almost all requests use the same few dozen names
def _wsgi_name(name: str) -> str | None:
    """Return the WSGI name of a header field. Return None if the field is not ordinary."""
    if not _match_unambiguous_name(name):
        return None
    wsgi_name = name.upper().replace("-", "_")
    if wsgi_name not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        wsgi_name = f"HTTP_{wsgi_name}"
    return None if wsgi_name in LEFT_TO_GUNICORN else wsgi_name
