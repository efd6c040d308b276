"""The clients of a process, and those that must send or take the next bytes."""

from __future__ import annotations

import time
from typing import Any, Protocol

from resume_service.server import limits
from resume_service.server.unsent import UnsentResponses


class Client(Protocol):
    """An open connection, in the fast lane (`Connection`) or in Flask (`ClientSocket`)."""

    @property
    def is_idle(self) -> bool:
        """True while the client may start a request."""

    def give_up(self) -> None:
        """Stop waiting for the client, and close the connection."""


class LateClient(Client, Protocol):
    def end_late(self) -> None:
        """End a request that has not arrived in time."""


class Clients:
    """All times are values of `now`, in seconds. Each dictionary has the longest wait first."""

    def __init__(self) -> None:
        self.count = 0
        """Number of open connections."""
        self.unsent = UnsentResponses()
        self.waiting: dict[Client, float] = {}
        """The clients that must send the next bytes, and the start of the wait."""
        self.receiving: dict[LateClient, float] = {}
        """The clients in the fast lane that have sent a part of a request, and its start."""
        self.sending: dict[Client, float] = {}
        """The clients in the fast lane that must take a response, and when they last took a part."""
        self.now = time.monotonic()
        """The time of the last `sweep`. To read it costs less than to read the clock."""

    def sweep(self) -> None:
        """End the connections of clients that take too long. Call this several times a second."""
        self.now = now = time.monotonic()
        for late in _until(self.receiving, now - limits.REQUEST_SECONDS):
            del self.receiving[late]
            late.end_late()
        for client in _until(self.waiting, now - limits.IDLE_SECONDS):
            client.give_up()
        for client in _until(self.sending, now - limits.SEND_SECONDS):
            client.give_up()

    def close_longest_waiting(self) -> bool:
        """Close the connection that has waited longest for its client. Return False if none waits.

        nginx does the same. So clients that send nothing can't keep other clients out.
        """
        client = next(iter(self.waiting), None)
        if client is None:
            return False
        del self.waiting[client]
        client.give_up()
        return True

    def close_idle(self) -> None:
        """Close the connections of all clients that have not started a request."""
        for client in tuple(self.waiting):
            if client.is_idle:
                client.give_up()


def _until(clients: dict[Any, float], latest: float) -> list[Any]:
    """Return the clients with a time up to `latest`. They are the first ones."""
    result = []
    for client, since in clients.items():
        if since > latest:
            break
        result.append(client)
    return result
