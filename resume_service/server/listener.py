"""Accepts connections. At the maximum number, a new connection replaces the one that waits longest."""

from __future__ import annotations

import _socket
import contextlib
import socket
from collections import deque
from typing import Any

from gevent.server import StreamServer

from resume_service.server import limits
from resume_service.server.error_responses import TooManyConnections, error_response
from resume_service.server.http_server import HttpServer


class Listener(StreamServer):  # type: ignore[misc]  # gevent ships no types
    """Gives each connection to `listening_socket` to `server`."""

    max_accept = limits.ACCEPTS

    def __init__(self, listening_socket: Any, server: HttpServer) -> None:
        listening_socket.setblocking(1)
        # The accepted connections inherit this size.
        listening_socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, limits.RECEIVE_BUFFER)
        super().__init__(listening_socket, server.add)
        self._server = server
        self._max_connections = limits.max_connections()
        self._refused: deque[_socket.socket] = deque()
        """The last refused connections. They are closed when others follow."""

    def do_read(self) -> tuple[_socket.socket, Any] | None:
        """Accept a connection. Return None if no connection is there."""
        accepted = super().do_read()
        if accepted is None:
            return None
        client, address = accepted
        raw = _socket.socket(client.family, client.type, client.proto, client.detach())
        raw.settimeout(0)
        clients = self._server.clients
        if clients.count >= self._max_connections and not clients.close_longest_waiting():
            self._refuse(raw)
            return None
        return raw, address

    def do_handle(self, *accepted: Any) -> None:
        self._server.add(*accepted)

    def accept_backlog(self) -> None:
        """Accept the connections that wait in the kernel. The close of a listener resets them."""
        for _ in range(limits.MAX_BACKLOG):
            accepted = self.do_read()
            if accepted is None:
                break
            self.do_handle(*accepted)

    def _refuse(self, client: _socket.socket) -> None:
        """Answer 503, because each connection is in use. Close later, so that the client can read."""
        with contextlib.suppress(OSError):
            client.send(error_response(TooManyConnections()))
            client.shutdown(socket.SHUT_WR)
        self._refused.append(client)
        if len(self._refused) > limits.MAX_REFUSED:
            self._refused.popleft().close()
