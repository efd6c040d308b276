"""Reads HTTP/1.1 requests that have nothing unusual about them, for the fast lane.

gunicorn's own C parser reads them, within gunicorn's limits. Whatever it refuses, and whatever bears
on how a message is framed or how a connection goes on, is left to gunicorn from its first byte.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import gunicorn_h1c

CHUNK = 65_536
"""The most bytes to read at a time."""

SIMPLE_STARTS = (b"GET /", b"POST /")
LEFT_TO_GUNICORN = frozenset({"HTTP_TRANSFER_ENCODING", "HTTP_EXPECT", "HTTP_UPGRADE"})


class SimpleRequest(NamedTuple):
    environ: dict[str, str]
    """Method, path, query and headers, by the names that WSGI has for them."""
    body: bytes
    rest: bytes
    """What came after it."""


class SimpleReader:
    """Reads requests within the limits of gunicorn's configuration."""

    def __init__(self, limits: Any, largest_body: int) -> None:
        self._largest_body = largest_body
        self._parse = functools.partial(
            gunicorn_h1c.parse_request,
            limit_request_line=limits.limit_request_line,
            limit_request_fields=limits.limit_request_fields,
            limit_request_field_size=limits.limit_request_field_size,
        )

    def read(
        self, data: bytes, receive: Callable[[int], bytes]
    ) -> tuple[SimpleRequest | None, bytes]:
        """The request that begins with `data`, if it is simple, and all that was read by then.

        Its head must be in `data`; of its body, `receive` brings what is missing.
        """
        parsed = self._parsed(data)
        environ = _environ(parsed) if parsed else None
        if parsed is None or environ is None:
            return None, data
        length = int(environ.get("CONTENT_LENGTH") or 0)
        if length > self._largest_body:
            return None, data
        start: int = parsed["consumed"]
        while len(data) < start + length:
            more = receive(CHUNK)
            if not more:
                return None, data
            data += more
        end = start + length
        return SimpleRequest(environ, data[start:end], data[end:]), data

    def _parsed(self, data: bytes) -> dict[str, Any] | None:
        if not data.startswith(SIMPLE_STARTS):
            return None
        try:
            parsed: dict[str, Any] = self._parse(data)
        except (gunicorn_h1c.ParseError, gunicorn_h1c.IncompleteError):
            return None
        # The C parser takes a bare LF for the end of a line, which a proxy may see otherwise.
        head = data[: parsed["consumed"]]
        return parsed if head.count(b"\n") == head.count(b"\r\n") else None


def _environ(parsed: dict[str, Any]) -> dict[str, str] | None:
    """None when there is more to the head than the lane understands."""
    target = parsed["path"].decode("latin-1")
    path, _, query = target.partition("?")
    if parsed["minor_version"] != 1 or "#" in target:
        return None
    environ = {
        "REQUEST_METHOD": parsed["method"].decode("latin-1"),
        "RAW_URI": target,
        "PATH_INFO": path,
        "QUERY_STRING": query,
    }
    for raw_name, value in parsed["headers"]:
        name = _wsgi_name(raw_name)
        if name is None or name in environ:
            return None
        environ[name] = value.decode("latin-1")
    if environ.get("HTTP_CONNECTION", "keep-alive").lower() != "keep-alive":
        return None
    return environ


@functools.lru_cache(maxsize=1024)  # the same few dozen in every request
def _wsgi_name(raw_name: bytes) -> str | None:
    """None for a header that the lane leaves to gunicorn."""
    if not raw_name or b"_" in raw_name:  # a folded line; a name that another could be taken for
        return None
    name = raw_name.decode("latin-1").upper().replace("-", "_")
    wsgi_name = name if name in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{name}"
    return None if wsgi_name in LEFT_TO_GUNICORN else wsgi_name
