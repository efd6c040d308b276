"""The socket of a connection to Redis, on gevent's event loop.

Both classes have the same methods. They call `on_data` with received bytes, and `on_lost` once with
the error that ended the connection. They call nothing after `close`.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from typing import Any

import gevent
from gevent.queue import SimpleQueue
from gevent.ssl import SSLSocket

from resume_service.redis.link import BUFFER_BYTES, RESET_ON_CLOSE

OnData = Callable[[bytes], None]
OnLost = Callable[[Exception], None]
READ, WRITE = 1, 2
"""The events of an `io` watcher of gevent."""


def open_socket(connected: Any, on_data: OnData, on_lost: OnLost) -> PlainSocket | TlsSocket:
    """Return the socket of a connection of redis-py that is open."""
    kind = TlsSocket if isinstance(connected._sock, SSLSocket) else PlainSocket  # noqa: SLF001 - redis-py has no other access to its socket
    return kind(connected, on_data, on_lost)


class PlainSocket:
    """Uses watchers, because a greenlet would cost a switch for each reply."""

    def __init__(self, connected: Any, on_data: OnData, on_lost: OnLost) -> None:
        self._connected = connected
        self._socket = connected._sock  # noqa: SLF001 - see open_socket
        self._raw = self._socket._sock  # noqa: SLF001 - a callback must not block
        self._raw.settimeout(0)
        self._on_data = on_data
        self._on_lost = on_lost
        self._unsent = b""
        loop = gevent.get_hub().loop
        self._reading = loop.io(self._raw.fileno(), READ)
        self._writing = loop.io(self._raw.fileno(), WRITE)
        self._reading.start(self.receive_now)

    def send(self, data: bytes) -> None:
        """Send `data`. What the kernel does not take now is sent later."""
        if self._unsent:
            self._unsent += data
            return
        sent = self._try_to_send(data)
        if sent < len(data):
            self._unsent = data[sent:]
            self._writing.start(self._send_unsent)

    def receive_now(self) -> None:
        """Receive the bytes that are here, if any."""
        try:
            data = self._raw.recv(BUFFER_BYTES)
        except BlockingIOError:
            return
        except OSError as fault:
            self._on_lost(fault)
            return
        if data:
            self._on_data(data)
        else:
            self._on_lost(ConnectionResetError("closed by the server"))

    def close(self) -> None:
        """Close the connection. Discard all bytes that are not sent yet."""
        for watcher in (self._reading, self._writing):
            watcher.stop()
            watcher.close()
        _reset(self._socket, self._connected)

    def _send_unsent(self) -> None:
        sent = self._try_to_send(self._unsent)
        self._unsent = self._unsent[sent:]
        if not self._unsent:
            self._writing.stop()

    def _try_to_send(self, data: bytes) -> int:
        """Return the number of bytes that the kernel has taken."""
        try:
            return int(self._raw.send(data))
        except BlockingIOError:
            return 0
        except OSError:
            return len(data)  # the next receive reports the lost connection


class TlsSocket:
    """Uses greenlets: TLS may have to write before it can read."""

    def __init__(self, connected: Any, on_data: OnData, on_lost: OnLost) -> None:
        self._connected = connected
        self._socket = connected._sock  # noqa: SLF001 - see open_socket
        self._socket.settimeout(None)
        self._on_data = on_data
        self._on_lost = on_lost
        self._is_open = True
        self._to_send: SimpleQueue[bytes] = SimpleQueue()
        self._run_callback = gevent.get_hub().loop.run_callback
        self._greenlets = [gevent.spawn(self._receive), gevent.spawn(self._send)]

    def send(self, data: bytes) -> None:
        self._to_send.put(data)

    def receive_now(self) -> None:
        """Do nothing: the greenlet receives soon."""

    def close(self) -> None:
        self._is_open = False
        gevent.killall(self._greenlets, block=False)
        _reset(self._socket, self._connected)

    def _receive(self) -> None:
        try:
            while data := self._socket.recv(BUFFER_BYTES):
                self._run_callback(self._report, self._on_data, data)
            self._run_callback(self._report, self._on_lost, ConnectionResetError("closed"))
        except OSError as fault:
            self._run_callback(self._report, self._on_lost, fault)

    def _send(self) -> None:
        with contextlib.suppress(OSError):  # the other greenlet reports the lost connection
            while True:
                self._socket.sendall(self._to_send.get())

    def _report(self, callback: Callable[[Any], None], value: Any) -> None:
        if self._is_open:
            callback(value)


def _reset(connected_socket: Any, connected: Any) -> None:
    with contextlib.suppress(OSError):
        connected_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        connected_socket.close()
    connected.disconnect()
