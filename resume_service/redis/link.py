"""Sends commands and receives replies on a connection of redis-py, until a deadline."""

from __future__ import annotations

import _socket
import contextlib
import socket
import struct
import time
from collections.abc import Callable
from typing import Any

import redis

from resume_service.redis.replies import INCOMPLETE, new_reader

BUFFER_BYTES = 65_536
"""Maximum number of bytes to receive in one call."""
RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""A value of SO_LINGER. With it, a close discards all bytes that are not sent yet.

Otherwise the kernel would send a command to Redis after its caller got an error.
"""
WAIT_SECONDS = 0.05
"""Maximum seconds of one wait."""

WhileWaiting = Callable[[], None]
"""Called between two waits."""


def open_link(connected: Any) -> Link | InMemoryLink:
    """Return the link of a connection of redis-py that is open."""
    has_socket = isinstance(connected._sock, socket.socket)  # noqa: SLF001 - see Link
    return Link(connected) if has_socket else InMemoryLink(connected)


class Link:
    """Sends and receives on the socket of a connection of redis-py."""

    def __init__(self, connected: Any) -> None:
        self._connected = connected
        self._socket = connected._sock  # noqa: SLF001 - redis-py has no other access to its socket
        self._raw_socket = getattr(self._socket, "_sock", self._socket)  # below gevent's socket
        self._buffer = bytearray(BUFFER_BYTES)
        self._reader = new_reader()

    def send(self, data: bytes, deadline: float) -> None:
        self._socket.settimeout(seconds_until(deadline))
        self._socket.sendall(data)

    def receive(self, count: int, deadline: float, while_waiting: WhileWaiting) -> list[Any]:
        replies: list[Any] = []
        next_reply = self._reader.gets
        while True:
            while (reply := next_reply()) is not INCOMPLETE:
                replies.append(reply)
                if len(replies) == count:
                    return replies
            left = deadline - time.monotonic()
            received = self._receive_within(min(WAIT_SECONDS, left)) if left > 0 else None
            if received is None:
                # Bytes may be here even after the deadline, if this process was busy with others.
                received = self._receive_within(0)
            if received:
                self._reader.feed(self._buffer, 0, received)  # type: ignore[arg-type]  # the stub lacks bytearray
            elif received == 0:
                raise ConnectionResetError("closed by the server")
            elif left <= 0:
                raise TimeoutError
            else:
                while_waiting()

    def _receive_within(self, seconds: float) -> int | None:
        """Receive into the buffer. Return the number of bytes, or None if none has arrived."""
        self._socket.settimeout(seconds)
        try:
            return int(self._socket.recv_into(self._buffer))
        except (TimeoutError, BlockingIOError):
            return None

    def has_leftover(self) -> bool:
        """Return True if received bytes remain after the last reply."""
        return bool(self._reader.has_data())

    def has_unread_bytes(self) -> bool:
        """Return True if bytes have arrived since the last reply, or if the server has closed."""
        try:
            self._peek()
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True

    def is_at_end(self) -> bool:
        """Return True if the server has closed the connection and sent nothing before."""
        try:
            return not self._peek()
        except OSError:
            return True

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            self._socket.close()
        self._connected.disconnect()

    def _peek(self) -> bytes:
        """Return an unread byte, or no byte if the server has closed. Raises BlockingIOError."""
        self._socket.settimeout(0)
        # The method of the base class also works below TLS, where each unread byte is unexpected.
        return _socket.socket.recv(self._raw_socket, 1, socket.MSG_PEEK)


class InMemoryLink:
    """The same as `Link` for fakeredis, which has no socket."""

    def __init__(self, connected: Any) -> None:
        self._connected = connected

    def send(self, data: bytes, deadline: float) -> None:
        self._connected.send_packed_command([data], check_health=False)

    def receive(self, count: int, deadline: float, while_waiting: WhileWaiting) -> list[Any]:
        return [self._receive_one() for _ in range(count)]

    def _receive_one(self) -> Any:
        try:
            return self._connected.read_response()
        except redis.ResponseError as error:
            return error

    def has_leftover(self) -> bool:
        return False

    def has_unread_bytes(self) -> bool:
        return False

    def is_at_end(self) -> bool:
        return False

    def close(self) -> None:
        self._connected.disconnect()


def seconds_until(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
