"""The socket of a client. It keeps the limits of `limits.py`, and waits for its turns."""

from __future__ import annotations

import time
from typing import Any

from gevent import socket
from gunicorn.http import errors

from resume_service.server import limits
from resume_service.server.error_responses import RequestTooSlow
from resume_service.server.turns import Turns
from resume_service.server.unsent import UnsentResponses


class ClientSocket(socket.socket):  # type: ignore[misc]  # gevent ships no types
    """The fast lane and gunicorn use it like any other socket.

    `waiting` contains the sockets that wait for bytes of their clients, the longest wait first.
    """

    def __init__(
        self,
        accepted: Any,
        turns: Turns,
        unsent: UnsentResponses,
        waiting: dict[ClientSocket, None],
    ) -> None:
        super().__init__(accepted.family, accepted.type, accepted.proto, accepted.detach())
        self._turns = turns
        self._unsent = unsent
        self._waiting = waiting
        self.timeout: float | None = None
        self.is_idle = False
        """True while the client may start a request."""
        self._request_ends: float | None = None
        """The deadline of the current request, if it has not arrived in one piece."""
        self._is_slow = False
        """True while gunicorn parses the request."""
        self._first_steps_left = 0
        """Number of further steps of this request that wait in the first queue (see `turns.py`)."""
        self._head_bytes_left: int | None = None
        """Number of bytes that the head may still have. None after the head."""
        self._sent_in_turn = 0

    def receive_next(self) -> bytes:
        """Receive the first bytes of the next request.

        Return empty bytes if the client has closed the connection. Raises TimeoutError after
        IDLE_SECONDS.
        """
        self._start_request()
        self.timeout = limits.IDLE_SECONDS
        self.is_idle = True
        try:
            return self._receive(limits.FAST_RECEIVE)
        finally:
            self.is_idle = False

    def start_pipelined_request(self) -> None:
        """Wait for a turn: the client sent this request before it had the previous response."""
        self._turns.wait(is_first_step=False)
        self._start_request()
        self._first_steps_left = 0

    def start_slow_request(self, received: int) -> None:
        """Wait for a turn to parse a request with gunicorn. `received` bytes are there already.

        Raises ConnectionResetError if the client has disconnected in that time.
        """
        self._first_steps_left -= 1
        self._turns.wait(is_first_step=self._first_steps_left >= 0)
        if self.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise ConnectionResetError
        self._is_slow = True
        self._head_bytes_left = limits.MAX_HEAD - received

    def end_head(self) -> None:
        """Call this after the head of a slow request. The size of its body is not limited here."""
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
        at_once = limits.SLOW_RECEIVE if self._is_slow else limits.FAST_RECEIVE
        try:
            data = self._receive(min(size, at_once))
        except TimeoutError:
            raise RequestTooSlow from None
        self._first_steps_left -= 1
        if self._is_slow or self._first_steps_left < 0:
            self._turns.wait(is_first_step=self._first_steps_left >= 0)
        if self._head_bytes_left is not None:
            self._head_bytes_left -= len(data)
            if self._head_bytes_left < 0:
                raise errors.LimitRequestHeaders("head too large")
        return data

    def sendall(self, data: bytes, flags: int = 0) -> None:
        """Send `data`. Raises TimeoutError if the client takes longer than SEND_SECONDS."""
        if self._sent_in_turn > limits.SENT_PER_TURN:
            self._turns.wait(is_first_step=False)
            self._sent_in_turn = 0
        self._sent_in_turn += len(data)
        self.timeout = limits.SEND_SECONDS
        with self._unsent.sending(self, len(data)):
            super().sendall(data, flags)

    def start_lingering(self) -> None:
        """Receive bytes only to ignore them, in turns."""
        self._request_ends = self._head_bytes_left = None
        self._is_slow, self._first_steps_left = True, 0

    def _start_request(self) -> None:
        self._request_ends = None
        self._is_slow = False
        self._first_steps_left = limits.FIRST_STEPS

    def _receive(self, size: int) -> bytes:
        self._waiting[self] = None
        try:
            self._wait(self._read_event)
        finally:
            self._waiting.pop(self, None)
        try:
            return bytes(self._sock.recv(size))
        except BlockingIOError:  # another process has received the bytes, or they were invalid
            return bytes(super().recv(size))
