"""Accepts connections. At the maximum number, a new connection replaces the one that waits longest."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from typing import Any

from gevent.pool import Pool
from gevent.server import StreamServer
from gunicorn import util

from resume_service.server import limits
from resume_service.server.client_socket import ClientSocket
from resume_service.server.error_responses import TooManyConnections, error_response
from resume_service.server.turns import Turns
from resume_service.server.unsent import UnsentResponses


class Listener(StreamServer):  # type: ignore[misc]  # gevent ships no types
    """Calls `serve(client, address)` in a new greenlet for each connection to `listening_socket`."""

    max_accept = limits.ACCEPTS

    def __init__(
        self, listening_socket: Any, serve: Callable[[ClientSocket, Any], None], turns: Turns
    ) -> None:
        # The accepted connections inherit this size.
        listening_socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, limits.RECEIVE_BUFFER)
        super().__init__(listening_socket, serve, spawn=Pool())
        self._max_connections = limits.max_connections()
        self._turns = turns
        self._unsent = UnsentResponses()
        self._waiting: dict[ClientSocket, None] = {}
        """The clients that must send the next bytes, the longest wait first."""

    def do_read(self) -> tuple[ClientSocket, Any] | None:
        """Accept a connection. Return None if no connection is there."""
        accepted = super().do_read()
        if accepted is None:
            return None
        client = ClientSocket(accepted[0], self._turns, self._unsent, self._waiting)
        if len(self.pool) >= self._max_connections and not self._close_longest_waiting():
            _refuse(client)
            return None
        return client, accepted[1]

    def accept_backlog(self) -> None:
        """Accept the connections that wait in the kernel. The close of a listener resets them."""
        for _ in range(limits.MAX_BACKLOG):
            accepted = self.do_read()
            if accepted is None:
                break
            self.do_handle(*accepted)

    def end_idle_connections(self) -> None:
        """Shut down reading. Then the greenlet of each idle connection reads the end and stops."""
        for client in tuple(self._waiting):
            if client.is_idle:
                _shut_down_reading(client)

    def _close_longest_waiting(self) -> bool:
        """Close the connection that has waited longest for its client. Return False if none waits.

        nginx does the same. So clients that send nothing can't keep other clients out.
        """
        client = next(iter(self._waiting), None)
        if client is None:
            return False
        del self._waiting[client]
        _shut_down_reading(client)
        return True


def _shut_down_reading(client: ClientSocket) -> None:
    with contextlib.suppress(OSError):
        client.shutdown(socket.SHUT_RD)


def _refuse(client: ClientSocket) -> None:
    """Answer 503 and close, because each connection is in use."""
    client.settimeout(0)
    with contextlib.suppress(OSError):
        client.send(error_response(TooManyConnections()))
    util.close(client)
