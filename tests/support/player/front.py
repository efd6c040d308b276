"""The web server of the test page: files, and the API through a proxy that counts and fails.

Page and API have the same host, so they share the six connections of HTTP/1.1.
"""

from __future__ import annotations

import http.client
import json
import mimetypes
import re
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.support.eventually import eventually

PATIENCE = 120.0
"""Seconds for which a hanging answer hangs."""


@dataclass(frozen=True)
class Answer:
    """An answer in place of the service's."""

    status: int
    body: bytes = b'{"error": "made up"}'
    headers: dict[str, str] = field(default_factory=dict)


PASS, DROP, HANG, LOSE = "pass", "drop", "hang", "lose"
"""Forward; close the connection; never answer; forward, but close before the answer."""
Fault = Callable[["Request"], "str | Answer"]


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float
    """Monotonic seconds of the arrival."""
    status: int = 0
    """Of the response; 0 without one."""
    ended_at: float | None = None
    """Monotonic seconds of the end of the response."""
    upstream: http.client.HTTPConnection | None = None

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def is_save(self) -> bool:
        return self.method == "POST"

    @property
    def is_stream(self) -> bool:
        return self.path.startswith("/api/progress/events")

    @property
    def saves(self) -> list[Any]:
        """The saves in the body: one, or those of a batch."""
        if not self.is_save:
            return []
        return list(self.json["events"]) if self.path.endswith("/batch") else [self.json]


class Front:
    """`folders` maps the first part of a path to a folder. Other paths go to port `service`."""

    def __init__(self, service: int, folders: dict[str, Path]) -> None:
        self.service = service
        self.folders = folders
        self.requests: list[Request] = []
        """Requests for the API in order of arrival."""
        self.files: list[str] = []
        """Paths of the requests for files."""
        self.fault: Fault = lambda _: PASS
        self.ended = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.host = "127.0.0.1"
        """`insecure.test` is the same server, but browsers see no secure context there."""

    @property
    def address(self) -> str:
        return f"http://{self.host}:{self._server.server_port}"

    @property
    def saves(self) -> list[Request]:
        return [each for each in self.requests if each.is_save]

    @property
    def sent(self) -> list[Any]:
        """All saves that have arrived, singly or in batches."""
        return [save for request in self.requests for save in request.saves]

    def always(self, behaviour: str | Answer) -> None:
        """Treat each request for the API like this."""
        self.fault = lambda _: behaviour

    def cut_streams(self) -> None:
        """Close the connections of all open live streams."""
        for each in list(self.requests):
            if each.is_stream and each.ended_at is None and each.upstream:
                each.upstream.sock.shutdown(socket.SHUT_RDWR)

    @contextmanager
    def running(self) -> Iterator[Front]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            # A save that arrives later would be a point of the next test.
            self.ended.set()
            saves = list(self.saves)
            eventually(lambda: all(each.ended_at for each in saves))
            self._server.shutdown()
            self._server.server_close()
            thread.join()


def _handler(front: Front) -> type[BaseHTTPRequestHandler]:
    return type("FrontHandler", (_Handler,), {"front": front})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    front: Front

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:
            self.close_connection = True  # the browser has gone

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        folder, _, name = self.path.partition("?")[0].lstrip("/").partition("/")
        if folder in self.front.folders:
            self.front.files.append(self.path)
            self._file(self.front.folders[folder], name)
        else:
            self._api(body)

    do_POST = do_PUT = do_DELETE = do_OPTIONS = do_GET

    def log_message(self, *_: Any) -> None:
        """Print nothing."""

    def _file(self, folder: Path, name: str) -> None:
        path = (folder / name).resolve()
        if folder.resolve() not in path.parents or not path.is_file():
            self._answer(404, {}, b"no such file")
            return
        data = path.read_bytes()
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        headers = {"Content-Type": TYPES.get(path.suffix, kind), "Accept-Ranges": "bytes"}
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        if wanted is None:
            self._answer(200, headers, data)
            return
        first = int(wanted[1])
        last = min(int(wanted[2] or len(data) - 1), len(data) - 1)
        headers["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
        self._answer(206, headers, data[first : last + 1])

    def _api(self, body: bytes) -> None:
        if self.front.ended.is_set():
            self.close_connection = True
            return
        names = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, names, body, time.monotonic())
        self.front.requests.append(request)
        try:
            self._respond(request)
        finally:
            request.ended_at = time.monotonic()

    def _respond(self, request: Request) -> None:
        behaviour = self.front.fault(request)
        if isinstance(behaviour, Answer):
            request.status = behaviour.status
            self._answer(behaviour.status, behaviour.headers, behaviour.body)
        elif behaviour == HANG:
            self.front.ended.wait(PATIENCE)
            self.close_connection = True
        elif behaviour == DROP:
            self.close_connection = True
        else:
            self._forward(request, is_lost=behaviour == LOSE)

    def _forward(self, request: Request, *, is_lost: bool) -> None:
        upstream = http.client.HTTPConnection("127.0.0.1", self.front.service, timeout=PATIENCE)
        request.upstream = upstream
        try:
            kept = {k: v for k, v in request.headers.items() if k != "connection"}
            upstream.request(request.method, request.path, request.body or None, kept)
            response = upstream.getresponse()
            if is_lost:
                self.close_connection = True
                return
            request.status = response.status
            headers = {k: v for k, v in response.getheaders() if k.lower() not in OWN_HEADERS}
            if request.is_stream and response.status == http.client.OK:
                self._stream(response, headers, upstream.sock)
            else:
                self._answer(response.status, headers, response.read())
        except (OSError, http.client.HTTPException):
            self.close_connection = True  # the service is down
        finally:
            upstream.close()

    def _stream(
        self, response: http.client.HTTPResponse, headers: dict[str, str], source: socket.socket
    ) -> None:
        self.close_connection = True
        self.send_response(response.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()
        while True:
            ready, _, _ = select.select([source, self.connection], [], [])
            if self.connection in ready:
                return  # the browser sends nothing more on a stream: it has closed it
            data = response.read1(65_536)
            if not data:
                return
            self.wfile.write(data)

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


OWN_HEADERS = {"connection", "transfer-encoding", "content-length", "date", "server"}
TYPES = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".webm": "video/webm",
    ".mpd": "application/dash+xml",
    ".m3u8": "application/vnd.apple.mpegurl",
    ".m4s": "video/mp4",
}
