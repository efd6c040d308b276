"""The ceiling: a WSGI application that only reads the body and answers 204."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def app(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    environ["wsgi.input"].read()
    start_response("204 No Content", [])
    return []
