"""Answers as bytes, and the way out for many of them at a time."""

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
"""Bytes that always fit the send buffer of a client that has read all it was sent before."""


def response_bytes(answer: ApiResponse) -> bytes:
    """`answer` on a connection that stays open."""
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
    """The answer to what is no request, before the connection is closed."""
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
    """Sends the small answers that are ready at the same moment one right after the other.

    Each send may wake the client's side up; sent together, many answers share the waking.
    """

    def __init__(self) -> None:
        self._ready: list[tuple[Any, bytes]] = []

    def send(self, client: Any, answer: bytes) -> None:
        """Send a SMALL answer soon, to a client that waits for nothing else."""
        if not self._ready:
            gevent.get_hub().loop.run_callback(self.flush)
        self._ready.append((client, answer))

    def flush(self) -> None:
        ready, self._ready = self._ready, []
        for client, answer in ready:
            try:
                sent = client._sock.send(answer)  # noqa: SLF001 - the hub itself must not wait
            except OSError:
                sent = 0
            if sent < len(answer):  # gone, or it does not read: there is no way to answer it
                with contextlib.suppress(OSError):
                    client.shutdown(socket.SHUT_RDWR)
