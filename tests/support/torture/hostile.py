"""A process with clients that never pause, never read or never end.

`hostile_clients.py` starts it. One event loop keeps all sockets as busy as their kind demands. A
client that is closed connects again at once.
"""

from __future__ import annotations

import asyncio
import os
import selectors
import socket
import struct
import sys
import threading
import time
from collections import Counter
from typing import Any

from tests.support.torture.child import serve_json
from tests.support.torture.hostile_kinds import Kind, kinds

RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""Value of SO_LINGER. Without it, thousands of closed connections would use up all ports."""
RECEIVE = 1 << 18
RETRY_SECONDS = 0.05
"""Seconds until the next attempt, if the service accepts no connection."""


class HostileClient:
    """One connection at a time of `kind`."""

    def __init__(self, kind: Kind, port: int, counts: Counter[str]) -> None:
        self._kind = kind
        self._port = port
        self._counts = counts
        self.socket: socket.socket | None = None
        self.due = 0.0
        """time.monotonic() of the next connection, or of the next byte of a slow client."""

    @property
    def reconnect(self) -> float:
        """Seconds until it connects again."""
        return self._kind.pause if self._kind.hangs_up else 0.0

    def connect(self) -> None:
        self.socket = socket.socket()
        self.socket.settimeout(0)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self.socket.connect_ex(("127.0.0.1", self._port))
        self._unsent = memoryview(self._kind.opening)
        self._counts["connections"] += 1

    @property
    def events(self) -> int:
        """What to wait for: selectors.EVENT_READ, EVENT_WRITE or both."""
        is_writing = bool(self._unsent or (self._kind.endless and self.due == 0))
        return self._kind.reads * selectors.EVENT_READ | is_writing * selectors.EVENT_WRITE

    def send(self) -> None:
        if not self._unsent:
            self._unsent = memoryview(self._kind.endless)
        sent = self.socket.send(self._unsent) if self.socket else 0
        self._counts["bytes"] += sent
        self._unsent = self._unsent[sent:]
        if not self._unsent and self._kind.hangs_up:
            raise ConnectionAbortedError
        if not self._unsent and self._kind.pause:
            self.due = time.monotonic() + self._kind.pause

    def receive(self) -> None:
        if not (self.socket and self.socket.recv(RECEIVE)):
            raise ConnectionResetError

    def close(self) -> None:
        if self.socket:
            self.socket.close()
            self.socket = None
        self.due = 0.0


class Attack:
    """All clients, in a thread that runs until `stop`."""

    def __init__(self, port: int, numbers: dict[str, int], reconnect: float) -> None:
        self.counts: Counter[str] = Counter()
        self._reconnect = reconnect
        self._over = threading.Event()
        self._selector = selectors.DefaultSelector()
        self._clients = [
            HostileClient(kinds()[name], port, self.counts)
            for name, number in numbers.items()
            for _ in range(number)
        ]
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.is_set():
            now = time.monotonic()
            for client in self._clients:
                if client.due <= now and (client.socket is None or client.due):
                    client.due = 0.0
                    self._open(client) if client.socket is None else self._watch(client)
            for key, events in self._selector.select(0.02):
                self._work(key.data, events)
        for client in self._clients:
            self._end(client)

    def _open(self, client: HostileClient) -> None:
        client.connect()
        assert client.socket
        self._selector.register(client.socket, selectors.EVENT_WRITE, client)

    def _watch(self, client: HostileClient) -> None:
        assert client.socket
        self._selector.modify(client.socket, client.events, client)

    def _work(self, client: HostileClient, events: int) -> None:
        try:
            if events & selectors.EVENT_READ:
                client.receive()
            if events & selectors.EVENT_WRITE:
                client.send()
        except BlockingIOError:
            return
        except OSError as end:
            self._end(client)
            refused = isinstance(end, ConnectionRefusedError)
            pause = RETRY_SECONDS if refused else max(self._reconnect, client.reconnect)
            client.due = time.monotonic() + pause
            return
        self._watch(client)

    def _end(self, client: HostileClient) -> None:
        if client.socket:
            self._selector.unregister(client.socket)
        client.close()


class Attacker:
    """Obeys the orders of `HostileClients`."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._attack: Attack | None = None

    def obey(self, order: dict[str, Any]) -> dict[str, int]:
        """Stop the running attack, and begin the next one. Return the counts of the stopped one."""
        counts: dict[str, int] = {}
        if self._attack:
            self._attack.stop()
            counts = dict(self._attack.counts)
        self._attack = None
        if order["numbers"]:
            self._attack = Attack(self._port, order["numbers"], order["reconnect"])
        return counts


if __name__ == "__main__":
    os.nice(19)  # real ones run on other machines: they take no core from the service
    asyncio.run(serve_json(None, Attacker(int(sys.argv[1])).obey))
