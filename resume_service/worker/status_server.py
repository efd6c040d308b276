"""The worker's HTTP server for `/metrics` and `/healthz`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.exposition import ThreadingWSGIServer

JSON = [("Content-Type", "application/json")]


class _Silent(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Log nothing: health checks and scrapes would fill the log."""


def serve(host: str, port: int, registry: CollectorRegistry) -> WSGIServer:
    """Serve in a thread until `shutdown()`. Raises OSError if the port can't be used."""
    server = make_server(
        host, port, _app(registry), server_class=ThreadingWSGIServer, handler_class=_Silent
    )
    threading.Thread(target=server.serve_forever, name="status", daemon=True).start()
    return server


def _app(registry: CollectorRegistry) -> Callable[..., Iterable[bytes]]:
    metrics = make_wsgi_app(registry)

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/metrics":
            response: Iterable[bytes] = metrics(environ, start_response)
            return response
        if environ["PATH_INFO"] == "/healthz":
            start_response("200 OK", JSON)
            return [b'{"status":"ok"}\n']
        start_response("404 Not Found", JSON)
        return [b'{"error":"Not found"}\n']

    return app
