"""Clients that save and read over kept-alive connections, many of them at the same time."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from tests.support.tokens import bearer

CONNECTION_ERRORS = (OSError, http.client.HTTPException)
"""The errors that a client raises if its connection ends before the response is complete."""

PAUSE_SECONDS = 0.002
"""Seconds between two steps of one thread under load."""
_connections: set[http.client.HTTPConnection] = set()
"""The connections of all viewers, open or not."""


def close_viewers() -> None:
    """Close the connections of all viewers. Runs after each test, also after a failed one."""
    while _connections:
        _connections.pop().close()


@dataclass(frozen=True, slots=True)
class Response:
    """A response. `seconds` is the time from the first byte sent to the last byte received."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Viewer:
    """A user with one connection. It opens on demand and stays open while the server allows it."""

    def __init__(self, port: int, user: str = "ann", timeout: float = 20.0) -> None:
        self.user = user
        self._headers = bearer(user) | {"Content-Type": "application/json"}
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)

    def save(self, video: str = "v", position: float = 10, **more: Any) -> Response:
        return self.send_save(video, position, **more)()

    def send_save(
        self, video: str = "v", position: float = 10, **more: Any
    ) -> Callable[[], Response]:
        """Send a save now. The returned function waits for the response."""
        body = {"clerkId": self.user, "tmdbId": video, "currentTime": position} | more
        return self.send("POST", "/api/progress", json.dumps(body))

    def read(self, video: str = "v") -> Response:
        return self.ask("GET", f"/api/progress/{self.user}/{video}")

    def list(self) -> Response:
        return self.ask("GET", f"/api/progress/{self.user}")

    def delete(self, video: str = "v") -> Response:
        return self.ask("DELETE", f"/api/progress/{self.user}/{video}")

    def ask(self, method: str, path: str, body: str | None = None) -> Response:
        """Raise one of CONNECTION_ERRORS for an incomplete response. The next call reconnects."""
        return self.send(method, path, body)()

    def send(self, method: str, path: str, body: str | None = None) -> Callable[[], Response]:
        """Send a request now. The returned function waits for the response."""
        _connections.add(self._connection)
        started = time.perf_counter()
        with self._closed_after_errors():
            self._connection.request(method, path, body, self._headers)

        def receive() -> Response:
            with self._closed_after_errors():
                response = self._connection.getresponse()
                content = response.read()
            headers = dict(response.getheaders())
            return Response(response.status, headers, content, time.perf_counter() - started)

        return receive

    @contextlib.contextmanager
    def _closed_after_errors(self) -> Iterator[None]:
        try:
            yield
        except CONNECTION_ERRORS:
            self.close()
            raise

    @property
    def socket(self) -> socket.socket | None:
        return self._connection.sock

    def close(self) -> None:
        self._connection.close()


def in_parallel(count: int, job: Callable[[int], Any]) -> list[Any]:
    """Run `job(0)` to `job(count - 1)` in one thread each; return their results."""
    start = threading.Barrier(count)

    def run(number: int) -> Any:
        start.wait()
        return job(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


@contextlib.contextmanager
def under_load(threads: int, step: Callable[[int], None]) -> Iterator[None]:
    """Inside the context, thread n calls `step(n)` repeatedly. Its errors are raised at the end.

    Each thread pauses between two steps. Without the pause, the threads would take the cores from
    the service and from other tests.
    """
    over = threading.Event()

    def run(number: int) -> None:
        while not over.wait(PAUSE_SECONDS):
            step(number)

    with ThreadPoolExecutor(threads) as pool:
        running = [pool.submit(run, number) for number in range(threads)]
        try:
            yield
        finally:
            over.set()
            for each in running:
                each.result()  # its error may explain a failure inside the context
