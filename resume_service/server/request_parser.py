"""Parses ordinary HTTP/1.1 requests for the fast lane.

The head of an ordinary request consists of lines of printable ASCII between CRLFs. No field occurs
twice. No field changes the message framing or the connection. By RFC 9112, only one reading of such
a request is possible. The parser of gunicorn reads every other request, from the first byte.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import NamedTuple

CHUNK = 65_536
"""The maximum number of bytes to read at a time."""

MAX_HEAD = 16_384
MAX_REQUEST_LINE = 4096
MAX_FIELDS = 100
LEFT_TO_GUNICORN = frozenset(
    {
        "HTTP_TRANSFER_ENCODING",
        "HTTP_EXPECT",
        "HTTP_UPGRADE",
        "HTTP_X_FORWARDED_SSL",  # gunicorn rejects one that contradicts X-Forwarded-Proto
        "HTTP_X_FORWARDED_PROTOCOL",
    }
)

_request_line = re.compile(r"(GET|POST) (/[^ ?#]*)(?:\?([^ #]*))? HTTP/1\.1").fullmatch
_readable_length = re.compile(r"[0-9]{1,19}").fullmatch
_unmistakable_name = re.compile(r"[A-Za-z0-9-]+").fullmatch
"""Without `_`: WSGI can't distinguish it from `-`."""


class FastRequest(NamedTuple):
    environ: dict[str, str]
    """Method, path, query and headers, under their WSGI names."""
    body: bytes
    rest: bytes
    """The bytes after the request."""


def read(
    data: bytes, receive: Callable[[int], bytes], largest_body: int
) -> tuple[FastRequest | None, bytes]:
    """Parse the request at the start of `data`. Return it and all bytes read.

    Return None instead of a request that is not ordinary. `data` must contain the whole head.
    `receive` reads the missing bytes of the body.
    """
    end_of_head = data.find(b"\r\n\r\n", 0, MAX_HEAD)
    environ = _environ(data[:end_of_head]) if end_of_head > 0 else None
    if environ is None:
        return None, data
    length = environ.get("CONTENT_LENGTH", "0")
    if not _readable_length(length) or int(length) > largest_body:
        return None, data
    start = end_of_head + 4
    end = start + int(length)
    while len(data) < end:
        more = receive(CHUNK)
        if not more:
            return None, data
        data += more
    return FastRequest(environ, data[start:end], data[end:]), data


def _environ(head: bytes) -> dict[str, str] | None:
    """The WSGI environ of a head. None if the head is not ordinary."""
    try:
        first, *fields = lines = head.decode("ascii").split("\r\n")
    except UnicodeDecodeError:
        return None
    matched = _request_line(first)
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


@functools.lru_cache(maxsize=1024)  # requests repeat the same few dozen names
def _wsgi_name(name: str) -> str | None:
    """The WSGI name of a field. None for a field that the lane leaves to gunicorn."""
    if not _unmistakable_name(name):
        return None
    wsgi_name = name.upper().replace("-", "_")
    if wsgi_name not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        wsgi_name = f"HTTP_{wsgi_name}"
    return None if wsgi_name in LEFT_TO_GUNICORN else wsgi_name
