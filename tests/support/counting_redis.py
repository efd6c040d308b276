"""A Redis client and a proxy before Redis, which count round trips."""

from __future__ import annotations

import contextlib
import socket
import threading

from resume_service.redis.client import new_client


class CountingClient:
    """`client` is a Redis client. `trips` counts its sends, and its failed attempts to connect."""

    def __init__(self, url: str) -> None:
        self.trips = 0
        self.client = new_client(url, 5)
        pool, counter = self.client.connection_pool, self

        class CountedSocket(socket.socket):
            def sendall(self, *arguments):
                counter.trips += 1
                super().sendall(*arguments)

        class Connection(pool.connection_class):
            def _connect(self):
                try:
                    connected = super()._connect()
                except OSError:
                    counter.trips += 1
                    raise
                return CountedSocket(fileno=connected.detach())

        pool.connection_class = Connection


class CountingProxy:
    """A TCP proxy between the service and Redis, which counts round trips.

    A round trip is all that goes to Redis before Redis answers.
    """

    def __init__(self, port: int) -> None:
        self._redis = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.trips = 0
        self.connections = 0
        self._open: list[socket.socket] = [self._listener]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for each in self._open:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._redis))
                self._open += [client, server]
                self.connections += 1
                pending = threading.Event()
                for job in ((client, server, pending, True), (server, client, pending, False)):
                    threading.Thread(target=self._pump, args=job, daemon=True).start()

    def _pump(self, source, target, pending: threading.Event, is_request: bool) -> None:  # noqa: FBT001
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                if not is_request:
                    pending.clear()
                elif not pending.is_set():
                    pending.set()
                    self.trips += 1
                target.sendall(data)
