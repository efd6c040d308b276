"""Many viewers at once: threads that save and read over connections they keep alive."""

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

BROKEN = (OSError, http.client.HTTPException)
"""What a client sees of a connection that ends before the whole answer is there."""

BREATH_SECONDS = 0.002
_connections: set[http.client.HTTPConnection] = set()
"""Of viewers, open or not."""


def hang_up() -> None:
    """Close what viewers have open. Done after each test, however it ended."""
    while _connections:
        _connections.pop().close()


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; `seconds` from the first byte sent to the last received."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Viewer:
    """A user with one connection, opened when needed and kept while the server allows."""

    def __init__(self, port: int, user: str = "ann", timeout: float = 20.0) -> None:
        self.user = user
        self._headers = bearer(user) | {"Content-Type": "application/json"}
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)

    def save(self, video: str = "v", position: float = 10, **more: Any) -> Answer:
        return self.saving(video, position, **more)()

    def saving(self, video: str = "v", position: float = 10, **more: Any) -> Callable[[], Answer]:
        """As `save`, in two steps: it is sent now, and answered when called."""
        body = {"clerkId": self.user, "tmdbId": video, "currentTime": position} | more
        return self.asking("POST", "/api/progress", json.dumps(body))

    def read(self, video: str = "v") -> Answer:
        return self.ask("GET", f"/api/progress/{self.user}/{video}")

    def list(self) -> Answer:
        return self.ask("GET", f"/api/progress/{self.user}")

    def delete(self, video: str = "v") -> Answer:
        return self.ask("DELETE", f"/api/progress/{self.user}/{video}")

    def ask(self, method: str, path: str, body: str | None = None) -> Answer:
        """Raises one of BROKEN when the answer is not whole; the next call connects anew."""
        return self.asking(method, path, body)()

    def asking(self, method: str, path: str, body: str | None = None) -> Callable[[], Answer]:
        """As `ask`, in two steps: it is sent now, and answered when called."""
        _connections.add(self._connection)
        started = time.perf_counter()
        with self._closed_when_broken():
            self._connection.request(method, path, body, self._headers)

        def answer() -> Answer:
            with self._closed_when_broken():
                response = self._connection.getresponse()
                content = response.read()
            headers = dict(response.getheaders())
            return Answer(response.status, headers, content, time.perf_counter() - started)

        return answer

    @contextlib.contextmanager
    def _closed_when_broken(self) -> Iterator[None]:
        try:
            yield
        except BROKEN:
            self.close()
            raise

    @property
    def socket(self) -> socket.socket | None:
        return self._connection.sock

    def close(self) -> None:
        self._connection.close()


def at_once(count: int, job: Callable[[int], Any]) -> list[Any]:
    """The results of `job(0)` to `job(count - 1)`, each in a thread of its own."""
    start = threading.Barrier(count)

    def run(number: int) -> Any:
        start.wait()
        return job(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


@contextlib.contextmanager
def under_load(threads: int, step: Callable[[int], None]) -> Iterator[None]:
    """While inside, thread n calls `step(n)` again and again; what one raises is raised at the end.

    They breathe between two steps: else they would take the cores from the service and from tests
    that run beside this one.
    """
    over = threading.Event()

    def run(number: int) -> None:
        while not over.wait(BREATH_SECONDS):
            step(number)

    with ThreadPoolExecutor(threads) as pool:
        running = [pool.submit(run, number) for number in range(threads)]
        try:
            yield
        finally:
            over.set()
            for each in running:
                each.result()  # may be why something else did not come true inside
