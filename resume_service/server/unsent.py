"""Limits the memory of responses that clients do not read."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from typing import Any

from resume_service.server import limits


class UnsentResponses:
    """The responses that a process is sending now, the oldest first.

    If they need more than MAX_UNSENT bytes, the connections of the oldest ones are closed.
    """

    def __init__(self) -> None:
        self._sizes: dict[Any, int] = {}
        """The size of the response to each client, in bytes."""
        self._total = 0

    @contextlib.contextmanager
    def sending(self, client: Any, size: int) -> Iterator[None]:
        """Count the response of `size` bytes while the context is open."""
        self._sizes[client] = size
        self._total += size
        while self._total > limits.MAX_UNSENT and next(iter(self._sizes)) is not client:
            self._close_oldest()
        try:
            yield
        finally:
            self._total -= self._sizes.pop(client, 0)

    def _close_oldest(self) -> None:
        client = next(iter(self._sizes))
        self._total -= self._sizes.pop(client)
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)  # its greenlet fails to send, and closes it
