"""The socket of a client while Flask answers its request.

It keeps the limits of `limits.py`, and waits for its turns.
"""

from __future__ import annotations

import contextlib
import time
from typing import Any

from gevent import socket
from gunicorn.http import errors

from resume_service.event_streams import EventStream
from resume_service.server import limits
from resume_service.server.clients import Clients
from resume_service.server.error_responses import RequestTooSlow
from resume_service.server.event_connection import LAST_CHUNK
from resume_service.server.turns import Turns


class ClientSocket(socket.socket):  # type: ignore[misc]  # gevent ships no types
    """gunicorn uses it like any other socket, in a greenlet of its own.

    `first_steps_left` is the number of steps of its request that wait in the first queue of turns.
    """

    is_idle = False
    """The client has started a request."""

    def __init__(
        self, accepted: Any, turns: Turns, clients: Clients, first_steps_left: int
    ) -> None:
        super().__init__(accepted.family, accepted.type, accepted.proto, accepted.detach())
        self._turns = turns
        self._clients = clients
        self.timeout: float | None = None
        self._request_ends: float | None = None
        """The deadline of the current request, if it has not arrived in one piece."""
        self._first_steps_left = first_steps_left
        self._head_bytes_left: int | None = None
        """Number of bytes that the head may still have. None after the head."""
        self._sent_in_turn = 0
        self.event_stream: EventStream | None = None
        """The events that follow the head of the response. Flask sets it."""
        self.is_streaming = False
        """Whether an EventConnection has taken over."""

    def give_up(self) -> None:
        """Shut down reading: then the greenlet of this connection reads the end."""
        with contextlib.suppress(OSError):
            self.shutdown(socket.SHUT_RD)

    def abort(self) -> None:
        """Shut down the connection: then its greenlet fails to send, and closes it."""
        with contextlib.suppress(OSError):
            self.shutdown(socket.SHUT_RDWR)

    def start_request(self, received: int) -> None:
        """Wait for a turn to parse a request. `received` bytes are there already.

        Raises ConnectionResetError if the client has disconnected in that time.
        """
        self._first_steps_left -= 1
        self._turns.wait(is_first_step=self._first_steps_left >= 0)
        if self.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise ConnectionResetError
        self._head_bytes_left = limits.MAX_HEAD - received

    def end_head(self) -> None:
        """Call this after the head. The size of its body is not limited here."""
        self._head_bytes_left = None

    def recv(self, size: int, *flags: int) -> bytes:
        """Receive further bytes of the current request.

        Raises RequestTooSlow after REQUEST_SECONDS. Raises LimitRequestHeaders if the head is too
        large.
        """
        if self._request_ends is None:
            self._request_ends = time.monotonic() + limits.REQUEST_SECONDS
        left = self._request_ends - time.monotonic()
        if left <= 0:
            raise RequestTooSlow
        self.timeout = left if self.timeout is None else min(left, self.timeout)
        try:
            data = self._receive(min(size, limits.SLOW_RECEIVE))
        except TimeoutError:
            raise RequestTooSlow from None
        self._first_steps_left -= 1
        self._turns.wait(is_first_step=self._first_steps_left >= 0)
        if self._head_bytes_left is not None:
            self._head_bytes_left -= len(data)
            if self._head_bytes_left < 0:
                raise errors.LimitRequestHeaders("head too large")
        return data

    def sendall(self, data: bytes, flags: int = 0) -> None:
        """Send `data`. Raises TimeoutError if the client takes longer than SEND_SECONDS.

        Does not send the end of a response that continues with events.
        """
        if self.event_stream and data == LAST_CHUNK:
            return
        if self._sent_in_turn > limits.SENT_PER_TURN:
            self._turns.wait(is_first_step=False)
            self._sent_in_turn = 0
        self._sent_in_turn += len(data)
        self.timeout = limits.SEND_SECONDS
        with self._clients.unsent.sending(self, len(data)):
            super().sendall(data, flags)

    def start_lingering(self) -> None:
        """Receive bytes only to ignore them, in turns."""
        self._request_ends = self._head_bytes_left = None
        self._first_steps_left = 0

    def _receive(self, size: int) -> bytes:
        self._clients.waiting[self] = self._clients.now
        try:
            self._wait(self._read_event)
        finally:
            self._clients.waiting.pop(self, None)
        try:
            return bytes(self._sock.recv(size))
        except BlockingIOError:  # another process has received the bytes, or they were invalid
            return bytes(super().recv(size))
