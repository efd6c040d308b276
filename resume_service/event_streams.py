"""What the server and the feature of live streams need of each other.

The server has the connection of the client, and the feature has the events. Only the gevent worker
serves streams, because its connections need no greenlet.
"""

from __future__ import annotations

from typing import Any, Protocol

GUNICORN_SOCKET = "gunicorn.socket"
"""The key of the client's socket in a WSGI environ."""


class EventOutput(Protocol):
    """The connection of a client that gets events."""

    @property
    def is_blocked(self) -> bool:
        """Whether the client has not taken all bytes yet. Then `send` must not be called."""

    def send(self, data: bytes) -> None:
        """Send `data` in the background."""

    def end(self, data: bytes) -> None:
        """Send `data`, unless the connection is blocked. Then close the connection."""


class EventStream(Protocol):
    """The events for one client. No method blocks."""

    def start(self, output: EventOutput) -> None:
        """The head of the response is sent."""

    def resume(self) -> None:
        """The connection is no longer blocked."""

    def close(self) -> None:
        """The client is gone. Not called after `EventOutput.end`."""


def hand_over(environ: dict[str, Any], stream: EventStream) -> None:
    """Let the server send `stream` after the head of the response of Flask."""
    environ[GUNICORN_SOCKET].event_stream = stream
