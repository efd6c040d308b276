"""The worker's HTTP server for `/metrics` and `/healthz`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, make_wsgi_app, start_http_server

JSON = [("Content-Type", "application/json")]


def serve(host: str, port: int, registry: CollectorRegistry) -> WSGIServer:
    """Start the server in a thread, and return it. `shutdown()` of the server stops it.

    Raises OSError if the port can't be used.
    """
    server, _thread = start_http_server(port, host, registry)
    server.set_app(_app(make_wsgi_app(registry)))
    return server


def _app(metrics: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/metrics":
            return metrics(environ, start_response)
        if environ["PATH_INFO"] == "/healthz":
            start_response("200 OK", JSON)
            return [b'{"status":"ok"}\n']
        start_response("404 Not Found", JSON)
        return [b'{"error":"Not found"}\n']

    return app
