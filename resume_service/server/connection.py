"""One connection of a client, in the fast lane.

It has no greenlet. The event loop calls it when bytes have arrived. It answers one request after the
other. A request that the fast lane does not answer goes to Flask (`flask_requests.py`), together
with the socket. After the response, the socket comes back as a new `Connection`.
"""

from __future__ import annotations

import _socket
from typing import TYPE_CHECKING, Any

from resume_service.server import limits
from resume_service.server.error_responses import RequestTooSlow
from resume_service.server.event_driver import Callbacks
from resume_service.server.request_parser import Incomplete, parse
from resume_service.server.response_writer import response_bytes
from resume_service.server.slow_response import SlowResponse
from resume_service.web.lifecycle import FailedRequest
from resume_service.web.messages import LaneResponse

if TYPE_CHECKING:
    from resume_service.server.http_server import HttpServer

READ = 1
"""The event of an `io` watcher of gevent."""


class Connection:
    """`accepted` is the socket of the connection, and `address` is the address of the client.

    `data` is the start of the next request, if it has arrived already.
    """

    __slots__ = (
        "_data",
        "_is_busy",
        "_is_paused",
        "_lane",
        "_receives",
        "_request_end",
        "_server",
        "_slow_response",
        "_socket",
        "_watcher",
        "address",
    )

    def __init__(
        self, server: HttpServer, accepted: _socket.socket, address: Any, data: bytes = b""
    ) -> None:
        self._server = server
        self._lane = server.lane
        self._socket = accepted
        self.address = address
        self._data = data
        """The received bytes of the current request, and of later ones."""
        self._request_end = 0
        """Number of bytes of the current request in `_data`."""
        self._receives = 0
        """Number of receives for the current request, if it did not arrive in one piece."""
        self._is_paused = False
        """True if bytes have arrived during a request. The watcher is stopped until its end."""
        self._slow_response: SlowResponse | None = None
        """A response that the kernel could not take at once."""
        self._watcher = server.loop.io(accepted.fileno(), READ)
        self._is_busy = bool(data)
        """True while a request is served, or waits for its turn."""
        if data:
            self._is_paused = True
            server.turns.add(self._serve_rest, is_first_step=False)
        else:
            self._watcher.start(self._on_readable)
            server.clients.waiting[self] = server.clients.now

    @property
    def is_idle(self) -> bool:
        """True while the client may start a request."""
        return not self._is_busy and not self._data

    def end_late(self) -> None:
        """Answer 408: the request has not arrived in time."""
        self._hand_over(RequestTooSlow())

    def close(self) -> None:
        """Close the connection. Does nothing if it is closed, or in Flask."""
        if self._socket.fileno() >= 0:
            self._forget()
            self._socket.close()
            self._server.clients.count -= 1

    give_up = close

    def _on_readable(self) -> None:
        if self._is_busy:
            self._is_paused = True  # bytes for later, or the end: look at them after the response
            self._watcher.stop()
            return
        try:
            data = self._socket.recv(limits.FAST_RECEIVE)
        except BlockingIOError:
            return
        except OSError:
            self.close()
            return
        self._server.clients.waiting.pop(self, None)
        if data and not self._data:
            self._data = data
            self._serve()
        elif data:
            self._data += data
            self._receives += 1
            if self._receives < limits.FIRST_STEPS:
                self._serve()
            else:  # a client that sends many parts waits for its turns
                self._is_busy = True
                self._server.turns.add(self._serve_rest, is_first_step=False)
        elif self._data:
            self._hand_over()  # gunicorn decides about the broken request
        else:
            self.close()

    def _serve(self) -> None:
        """Serve the request at the start of `_data`."""
        if self._lane is None or self._server.is_stopping:
            self._hand_over()
            return
        parsed = parse(self._data, self._lane.largest_body)
        if parsed is None:
            self._hand_over()
        elif isinstance(parsed, Incomplete):
            self._wait_for_more()
        else:
            if self._receives:
                self._server.clients.receiving.pop(self, None)
            request, self._request_end = parsed
            self._is_busy = True
            start = self._lane.begin(request)
            Callbacks(self._lane.answer(request, start), start.request_id, self._answered)

    def _wait_for_more(self) -> None:
        clients = self._server.clients
        clients.receiving.setdefault(self, clients.now)
        clients.waiting[self] = clients.now
        self._receives = self._receives or 1
        self._resume_reading()

    def _answered(self, outcome: LaneResponse | FailedRequest | None) -> None:
        """Send a response of the fast lane. Hand any other outcome over to Flask."""
        if self._socket.fileno() < 0:
            return
        if not isinstance(outcome, LaneResponse):
            self._hand_over(outcome)
            return
        response = response_bytes(outcome)
        try:
            sent = self._socket.send(response)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.close()
            return
        if sent == len(response):
            self._finish_request()
        else:
            rest = memoryview(response)[sent:]
            self._slow_response = SlowResponse(
                self._socket, self._server.clients, rest, self._finish_request, self.close
            )

    def _finish_request(self) -> None:
        """Continue with the next request."""
        self._slow_response = None
        rest = self._data[self._request_end :]
        self._data = rest
        self._receives = 0
        if rest:  # the client sent it before it had the response: it needs a turn
            self._server.turns.add(self._serve_rest, is_first_step=False)
            return
        clients = self._server.clients
        clients.waiting[self] = clients.now
        self._resume_reading()

    def _serve_rest(self) -> None:
        if self._socket.fileno() >= 0:
            self._serve()

    def _resume_reading(self) -> None:
        self._is_busy = False
        if self._is_paused:
            self._is_paused = False
            self._watcher.start(self._on_readable)

    def _hand_over(self, reason: FailedRequest | RequestTooSlow | None = None) -> None:
        """Let Flask answer the request at the start of `_data`, or send the response to `reason`."""
        self._forget()
        self._server.serve_with_flask(self._socket, self.address, self._data, reason)

    def _forget(self) -> None:
        """Let the event loop and the server forget this connection."""
        self._watcher.stop()
        self._watcher.close()
        clients = self._server.clients
        clients.waiting.pop(self, None)
        clients.receiving.pop(self, None)
        if self._slow_response:
            self._slow_response.close()
