"""Limits the memory of responses that clients do not read."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Protocol

from resume_service.server import limits


class Client(Protocol):
    def abort(self) -> None:
        """Close the connection at once."""


class UnsentResponses:
    """The responses that a process is sending now, the oldest first.

    If they need more than MAX_UNSENT bytes, the connections of the oldest ones are closed.
    """

    def __init__(self) -> None:
        self._sizes: dict[Client, int] = {}
        """The size of the response to each client, in bytes."""
        self._total = 0

    @contextlib.contextmanager
    def sending(self, client: Client, size: int) -> Iterator[None]:
        """Count the response of `size` bytes while the context is open."""
        self.add(client, size)
        try:
            yield
        finally:
            self.remove(client)

    def add(self, client: Client, size: int) -> None:
        """Count a response of `size` bytes until `remove`."""
        self._sizes[client] = size
        self._total += size
        while self._total > limits.MAX_UNSENT and next(iter(self._sizes)) is not client:
            oldest = next(iter(self._sizes))
            self.remove(oldest)
            oldest.abort()

    def remove(self, client: Client) -> None:
        self._total -= self._sizes.pop(client, 0)
