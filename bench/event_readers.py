"""Clients of live streams: one thread reads thousands of them. Tests use it too."""

from __future__ import annotations

import contextlib
import json
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

PATH = "/api/progress/events"
RECEIVE = 65_536


class Event(NamedTuple):
    at: float
    """Monotonic seconds at which the client has read it."""
    name: str
    """`points`, `point`, `gone` or `bye`. A comment has the name `comment`."""
    data: Any


class EventReader:
    """One stream. It reads as soon as it can, unless it is paused."""

    def __init__(self, readers: EventReaders, connection: socket.socket) -> None:
        self.events: list[Event] = []
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""
        """The body of a refusal."""
        self.ended_at: float | None = None
        """Monotonic seconds of the end of the connection."""
        self.is_complete = False
        """Whether the response ended with the last chunk."""
        self._readers = readers
        self._connection = connection
        self._received = b""

    def named(self, name: str) -> list[Event]:
        return [event for event in self.events if event.name == name]

    def pause(self) -> None:
        """Read no more bytes."""
        self._readers.remove(self._connection)

    def resume(self) -> None:
        self._readers.add(self._connection, self)

    def close(self) -> None:
        self._readers.remove(self._connection)
        self._connection.close()

    def read(self) -> None:
        try:
            data = self._connection.recv(RECEIVE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self._received += data
        self._parse()
        if not data:
            self.ended_at = time.monotonic()
            self.close()

    def _parse(self) -> None:
        if not self.status:
            head, end, rest = self._received.partition(b"\r\n\r\n")
            if not end:
                return
            line, *fields = head.decode().split("\r\n")
            self.headers = dict(field.lower().split(": ", 1) for field in fields)
            self.status, self._received = int(line.split()[1]), rest
        if self.headers.get("transfer-encoding") != "chunked":
            self.body += self._received
            self._received = b""
            return
        while (chunk := self._next_chunk()) is not None:
            for part in chunk.decode().split("\n\n")[:-1]:
                self._add(part)

    def _next_chunk(self) -> bytes | None:
        size, end, rest = self._received.partition(b"\r\n")
        if not end or len(rest) < (length := int(size, 16)) + 2:
            return None
        self._received = rest[length + 2 :]
        self.is_complete = length == 0
        return rest[:length]

    def _add(self, text: str) -> None:
        if text.startswith(":"):
            self.events.append(Event(time.monotonic(), "comment", text[1:].strip()))
            return
        fields = dict(line.split(": ", 1) for line in text.split("\n"))
        self.events.append(Event(time.monotonic(), fields["event"], json.loads(fields["data"])))


class EventReaders:
    """All streams of a test, with the thread that reads them."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._lock = threading.RLock()
        self._is_closed = False
        self._readers: list[EventReader] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def open(
        self, port: int, token: str, query: str = "", *, receive_buffer: int | None = None
    ) -> EventReader:
        """Send the request for a stream. Does not wait for the response."""
        connection = socket.socket()
        if receive_buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.connect(("127.0.0.1", port))
        connection.sendall(
            f"GET {PATH}{query} HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer {token}\r\n\r\n".encode()
        )
        connection.setblocking(False)  # noqa: FBT003 - the interface of sockets
        reader = EventReader(self, connection)
        self._readers.append(reader)
        self.add(connection, reader)
        return reader

    def add(self, connection: socket.socket, reader: EventReader) -> None:
        with self._lock:
            self._selector.register(connection, selectors.EVENT_READ, reader)

    def remove(self, connection: socket.socket) -> None:
        with self._lock, contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(connection)

    def close(self) -> None:
        self._is_closed = True
        self._thread.join()
        for reader in self._readers:
            reader.close()
        self._selector.close()

    def _run(self) -> None:
        while not self._is_closed:
            ready = self._selector.select(0.05)
            if not self._selector.get_map():
                time.sleep(0.01)
            with self._lock:
                for key, _ in ready:
                    if key.fileobj.fileno() >= 0:  # type: ignore[union-attr]  # always a socket
                        key.data.read()


@contextlib.contextmanager
def event_readers() -> Iterator[Callable[..., EventReader]]:
    """Yields the function that opens a stream."""
    readers = EventReaders()
    try:
        yield readers.open
    finally:
        readers.close()
