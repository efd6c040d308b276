"""Converts responses to bytes.

Sends small responses to several clients directly after each other.
"""

from __future__ import annotations

import contextlib
import functools
import socket
import time
from http import HTTPStatus
from typing import Any

import gevent
from gunicorn import SERVER, util

from resume_service.web.fast_lane import STATUS_LINES
from resume_service.web.messages import ApiResponse

SMALL = 4096
"""Maximum size of a small response in bytes. An empty send buffer always has space for it."""


def response_bytes(answer: ApiResponse) -> bytes:
    """Return the bytes of a response. The connection remains open after the response."""
    head = [
        f"HTTP/1.1 {STATUS_LINES[answer.status]}",
        f"Server: {SERVER}",
        f"Date: {_date(int(time.time()))}",
        "Connection: keep-alive",
        *(f"{name}: {value}" for name, value in answer.headers.items()),
    ]
    if answer.status != HTTPStatus.NO_CONTENT:
        head.append(f"Content-Length: {len(answer.body)}")
    return "\r\n".join([*head, "", ""]).encode("latin-1") + answer.body


@functools.lru_cache(maxsize=1)
def _date(now: int) -> str:
    return str(util.http_date(now))


class SendQueue:
    """Collects small responses, then sends all of them directly after each other.

    A send may wake up the process of the client, which takes CPU time. If a process has several
    connections and their responses arrive directly after each other, it wakes up once for all.
    """

    def __init__(self) -> None:
        self._ready: list[tuple[Any, bytes]] = []

    def send(self, client: Any, answer: bytes) -> None:
        """Add a response of at most SMALL bytes to the queue. gevent's event loop sends it soon.

        The send buffer of `client` must be empty: all earlier responses must have been sent.
        """
        if not self._ready:
            gevent.get_hub().loop.run_callback(self.flush)
        self._ready.append((client, answer))

    def flush(self) -> None:
        """Send all responses of the queue now, without waiting for a client."""
        ready, self._ready = self._ready, []
        for client, answer in ready:
            try:
                sent = client._sock.send(answer)  # noqa: SLF001 - the gevent hub must not block
            except OSError:
                sent = 0
            if sent < len(answer):  # the client has disconnected or does not read
                with contextlib.suppress(OSError):
                    client.shutdown(socket.SHUT_RDWR)
