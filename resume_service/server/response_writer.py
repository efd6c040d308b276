"""Formats responses as bytes, and sends small responses together."""

from __future__ import annotations

import contextlib
import functools
import json
import socket
import time
from http import HTTPStatus
from typing import Any

import gevent
from gunicorn import SERVER, util

from resume_service.web.fast_lane import STATUS_LINES
from resume_service.web.messages import ApiResponse

SMALL = 4096
"""Bytes. A response of this size always fits an empty send buffer."""


def response_bytes(answer: ApiResponse) -> bytes:
    """The bytes of a response on a connection that stays open."""
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


def error_bytes(status: HTTPStatus, request_id: str) -> bytes:
    """The response to a malformed request. The connection closes after it."""
    body = json.dumps({"error": status.phrase})
    lines = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        "Connection: close",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Cache-Control: no-store",
        f"X-Request-Id: {request_id}",
    ]
    return "\r\n".join([*lines, "", body]).encode()


@functools.lru_cache(maxsize=1)
def _date(now: int) -> str:
    return str(util.http_date(now))


class SendQueue:
    """Sends small responses in a row if they are ready at the same time.

    Each send may wake up the client's process. Responses in a row share one wake-up.
    """

    def __init__(self) -> None:
        self._ready: list[tuple[Any, bytes]] = []

    def send(self, client: Any, answer: bytes) -> None:
        """Send at most SMALL bytes soon. The client must have received all earlier responses."""
        if not self._ready:
            gevent.get_hub().loop.run_callback(self.flush)
        self._ready.append((client, answer))

    def flush(self) -> None:
        ready, self._ready = self._ready, []
        for client, answer in ready:
            try:
                sent = client._sock.send(answer)  # noqa: SLF001 - the gevent hub must not block
            except OSError:
                sent = 0
            if sent < len(answer):  # the client is gone or does not read
                with contextlib.suppress(OSError):
                    client.shutdown(socket.SHUT_RDWR)
