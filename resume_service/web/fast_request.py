"""Decides which requests are ordinary. The fast lane answers only these (see `fast_lane.py`)."""

from __future__ import annotations

import functools
import io
import re
from typing import Any

from resume_service.web.fast_route import FastRoute
from resume_service.web.messages import FastRequest

Environ = dict[str, Any]

_match_ordinary_host = re.compile(
    r"([a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*(:[0-9]{1,5})?)?", re.IGNORECASE
).fullmatch
"""Flask rejects some other host names. So the fast lane leaves all other host names to Flask."""

MAX_BRACKETS = 500
"""Maximum number of `[` and `{` in an ordinary body.

Python refuses a body that is nested too deeply. The limit depends on the depth of the stack, so it
is lower in Flask than in the fast lane. It is above MAX_BRACKETS in both.
"""


def is_ordinary(request: FastRequest, route: FastRoute) -> bool:
    """Return whether the fast lane may answer a request to `route`."""
    headers, body = request.headers, request.body
    if not body and (route.is_body_optional or not route.media_types):
        return True
    return (
        "CONTENT_LENGTH" in headers
        and _media_type(headers.get("CONTENT_TYPE", "")) in route.media_types
        and (len(body) <= MAX_BRACKETS or body.count(b"[") + body.count(b"{") <= MAX_BRACKETS)
    )


def is_ordinary_host(host: str) -> bool:
    return _match_ordinary_host(host) is not None


@functools.lru_cache(maxsize=64)  # almost all requests have one of very few media types
def _media_type(content_type: str) -> str:
    """Return the media type in lower case. Return empty text if only Flask may interpret it."""
    if not (content_type.isascii() and content_type.isprintable()):
        return ""  # `strip` would remove other characters than Flask does
    return content_type.partition(";")[0].strip().lower()


def from_environ(environ: Environ, largest_body: int) -> FastRequest | None:
    """Return the request in a WSGI environ. Return None if the fast lane can't read it.

    Reads the body from `wsgi.input`, and replaces `wsgi.input` so that Flask can read it again.
    """
    path, length = environ["PATH_INFO"], environ.get("CONTENT_LENGTH") or "0"
    if not path.isascii() or "%" in environ.get("RAW_URI", "") or not length.isdecimal():
        return None
    if int(length) > largest_body or not is_ordinary_host(environ.get("HTTP_HOST", "")):
        return None
    if "HTTP_TRANSFER_ENCODING" in environ or "HTTP_EXPECT" in environ:
        return None
    body = b""
    if length != "0":
        try:
            body = environ["wsgi.input"].read(int(length))
        except OSError:
            return None  # Flask tries to read the body too, and then handles the error
        environ["wsgi.input"] = io.BytesIO(body)
        if len(body) != int(length):
            return None
    method, query = environ["REQUEST_METHOD"], environ.get("QUERY_STRING", "")
    return FastRequest(method, path, query, environ, body)
