"""The connection of a client that gets server-sent events. It has no greenlet.

The client may read slowly, or not at all for minutes: then the connection keeps the rest of one event,
and the stream keeps the newest state. So SEND_SECONDS does not apply.
"""

from __future__ import annotations

import _socket
import contextlib
import socket
from typing import Any

import gevent
from gevent.core import READ, WRITE

from resume_service.event_streams import EventStream
from resume_service.server import limits
from resume_service.server.clients import Clients

LAST_CHUNK = b"0\r\n\r\n"
"""The end of a response with `Transfer-Encoding: chunked`."""


class EventConnection:
    """Takes over the socket `client`. Implements `EventOutput`."""

    __slots__ = (
        "_client",
        "_clients",
        "_is_chunked",
        "_loop",
        "_reading",
        "_stream",
        "_unsent",
        "_writing",
    )

    def __init__(
        self,
        clients: Clients,
        client: _socket.socket,
        stream: EventStream,
        *,
        is_chunked: bool = True,
    ) -> None:
        """Without chunks, the end of the connection is the end of the response (HTTP/1.0)."""
        self._clients = clients
        self._client = client
        self._stream = stream
        self._is_chunked = is_chunked
        self._loop = gevent.get_hub().loop
        self._reading: Any = self._loop.io(client.fileno(), READ)
        self._writing: Any = None
        self._unsent = b""

    def start(self, head: bytes = b"") -> None:
        """Send the rest of the head, and then the stream. Raises no error."""
        with contextlib.suppress(OSError):
            self._client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, limits.STREAM_SEND_BUFFER)
        self._reading.start(self._on_readable)
        self._send(head)
        self._stream.start(self)

    @property
    def is_blocked(self) -> bool:
        return bool(self._unsent)

    def send(self, data: bytes) -> None:
        self._send(b"%x\r\n%b\r\n" % (len(data), data) if self._is_chunked else data)

    def end(self, data: bytes) -> None:
        if not self._unsent:
            self.send(data)
            if self._is_chunked:
                self._send(LAST_CHUNK)
        self._close()

    def _send(self, data: bytes) -> None:
        """Send `data` after the unsent bytes."""
        self._unsent += data
        if self._writing is None:
            self._send_unsent()

    def _send_unsent(self) -> None:
        try:
            sent = self._client.send(self._unsent)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._unsent = b""  # the next receive reports the lost connection
            return
        self._unsent = self._unsent[sent:]
        if self._unsent and self._writing is None:
            self._writing = self._loop.io(self._client.fileno(), WRITE)
            self._writing.start(self._on_writable)

    def _on_writable(self) -> None:
        self._send_unsent()
        if not self._unsent:
            self._stop_writing()
            self._stream.resume()

    def _on_readable(self) -> None:
        """The client has disconnected, or sends bytes that no request needs."""
        try:
            data = self._client.recv(limits.FAST_RECEIVE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._close()
            self._stream.close()

    def _stop_writing(self) -> None:
        if self._writing is not None:
            self._writing.stop()
            self._writing.close()
            self._writing = None

    def _close(self) -> None:
        if self._client.fileno() >= 0:
            self._stop_writing()
            self._reading.stop()
            self._reading.close()
            self._client.close()
            self._clients.count -= 1
