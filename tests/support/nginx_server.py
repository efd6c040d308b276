"""A real nginx with the deployed configuration, on loopback."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import subprocess
from pathlib import Path
from typing import IO, Any

from dev.service import ROOT, free_port
from tests.support.eventually import eventually

CONFIG = ROOT / "deploy" / "nginx.conf"


class Response:
    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Nginx:
    """A running nginx with the deployed configuration, changed to addresses on loopback.

    It writes its error log to `errors`, or to standard error if that is None.
    """

    def __init__(
        self, directory: Path, upstream: int, read_timeout: str, errors: IO[bytes] | None = None
    ) -> None:
        self.port = free_port()
        text = CONFIG.read_text()
        for deployed, here in (
            ("server web:8000;", f"server 127.0.0.1:{upstream};"),
            ("listen 8080 ", f"listen 127.0.0.1:{self.port} "),
            ("proxy_read_timeout 5s;", f"proxy_read_timeout {read_timeout};"),
            ("/tmp/", f"{directory}/"),
        ):
            assert deployed in text
            text = text.replace(deployed, here)
        config = directory / "nginx.conf"
        config.write_text(text)
        self.command = ["nginx", "-c", str(config), "-e", str(directory / "error.log")]
        self._process = subprocess.Popen([*self.command, "-g", "daemon off;"], stderr=errors)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Response:
        text = None if body is None else json.dumps(body)
        body_headers = {"Content-Type": "application/json"} if text else {}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        with contextlib.closing(connection):
            connection.request(method, path, text, body_headers | headers)
            return Response(connection.getresponse())

    def ask_raw(self, request: bytes) -> Response:
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            connection.sendall(request)
            response = http.client.HTTPResponse(connection)
            response.begin()
            return Response(response)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()

    def wait_until_it_listens(self) -> None:
        eventually(self._listens)

    def _listens(self) -> bool:
        assert self._process.poll() is None
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0
