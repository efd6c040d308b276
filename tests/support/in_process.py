"""Sends bytes to an application in this process. gunicorn parses them. No socket is used."""

from __future__ import annotations

import io
import re

from gunicorn.config import Config
from gunicorn.http import errors, get_parser, wsgi

GENERATED_ID = re.compile(r"[0-9a-f]{32}")
GUNICORN = Config()
GUNICORN.set("limit_request_field_size", 16_380)


class DeadSocket:
    """Accepts an interim response and drops it."""

    def send(self, data: bytes) -> int:
        return len(data)


def environ_of(request: bytes):
    """The WSGI environ of `request` by gunicorn; None if gunicorn refuses it."""
    try:
        message = next(get_parser(GUNICORN, iter([request]), ("127.0.0.1", 1)))
    except (errors.ParseException, OSError, StopIteration):
        return None
    return wsgi.create(message, DeadSocket(), ("127.0.0.1", 1), ("127.0.0.1", 8000), GUNICORN)[1]


def neutral_id(value):
    """`value`, or "generated" for a request id that the service generated."""
    return "generated" if value and GENERATED_ID.fullmatch(value) else value


def neutral(headers):
    """The headers that must be equal."""
    kept = [(name.lower(), value) for name, value in headers if name.lower() != "date"]
    return sorted((n, neutral_id(v)) if n == "x-request-id" else (n, v) for n, v in kept)


def ask(app, request: bytes):
    """Status, headers and body of the response of `app`, called in this process."""
    environ = environ_of(request)
    if environ is None:
        return None
    environ["wsgi.errors"] = io.StringIO()
    started = {}
    answer = app.wsgi_app(environ, lambda status, headers, *_: started.update(s=status, h=headers))
    body = b"".join(answer)
    if hasattr(answer, "close"):
        answer.close()
    if environ["PATH_INFO"] == "/metrics":
        body = b""
    return int(started["s"][:3]), started["h"], body


def contents(client):
    """Every key of a Redis, except that of a health check: type, value, hours to live."""
    read = {"hash": client.hgetall, "zset": lambda key: client.zrange(key, 0, -1, withscores=True)}
    return {
        key: (kind := client.type(key), read[kind](key), round(client.ttl(key) / 3600))
        for key in client.scan_iter(count=1000)
        if key != "ready:0"
    }
