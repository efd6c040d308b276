"""One connection of a client, in the fast lane.

It has no greenlet. The event loop calls it when bytes have arrived. It answers one request after the
other. A request that the fast lane does not answer goes to Flask (`flask_requests.py`), together
with the socket. After the response, the socket comes back as a new `Connection`.
"""

from __future__ import annotations

import _socket
import contextlib
import socket
from typing import Any

from gevent.core import READ

from resume_service.server import limits
from resume_service.server.callbacks import Callbacks
from resume_service.server.error_responses import RequestTooSlow
from resume_service.server.interfaces import Reason, Server
from resume_service.server.request_parser import Incomplete, parse
from resume_service.server.response_writer import send
from resume_service.server.slow_response import SlowResponse
from resume_service.web.lifecycle import FailedRequest
from resume_service.web.messages import LaneResponse


class Connection:
    """`accepted` is the socket. `data` is the start of the next request, if it has arrived."""

    __slots__ = (
        "_address",
        "_data",
        "_first_steps_left",
        "_is_busy",
        "_request_end",
        "_response",
        "_server",
        "_slow_response",
        "_socket",
        "_watcher",
    )

    def __init__(
        self, server: Server, accepted: _socket.socket, address: Any, data: bytes = b""
    ) -> None:
        self._server = server
        self._socket = accepted
        self._address = address
        self._data = data
        """The received bytes of the current request, and of later ones."""
        self._request_end = 0
        """Number of bytes of the current request in `_data`."""
        self._first_steps_left = 0 if data else limits.FIRST_STEPS
        """Number of further receives that need no turn (see `turns.py`)."""
        self._response: LaneResponse | None = None
        self._slow_response: SlowResponse | None = None
        self._watcher = server.loop.io(accepted.fileno(), READ)
        self._is_busy = bool(data)
        """True while a request is served, or waits for its turn."""
        if data:
            server.turns.add(self._serve_rest, is_first_step=False)
        else:
            self._wait_for_client()

    @property
    def is_idle(self) -> bool:
        """True while the client may start a request."""
        return not self._is_busy and not self._data

    def end_late(self) -> None:
        """Answer 408: the request has not arrived in time."""
        self._hand_over(RequestTooSlow())

    def give_up(self) -> None:
        """Serve the bytes that have arrived before, if any. Then close the connection."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RD)

    def close(self) -> None:
        """Close the connection. Does nothing if it is closed, or in Flask."""
        if self._socket.fileno() >= 0:
            self._forget()
            self._socket.close()
            self._server.clients.count -= 1

    def _on_readable(self) -> None:
        if self._is_busy:
            self._watcher.stop()  # bytes for later, or the end: look at them after the response
            return
        try:
            data = self._socket.recv(limits.FAST_RECEIVE)
        except BlockingIOError:
            return
        except OSError:
            data = self._data = b""
        self._server.clients.waiting.pop(self, None)
        if data and not self._data:
            self._data = data
            self._is_busy = True
            self._server.requests.add(self._serve_rest)
        elif data:
            self._data += data
            self._first_steps_left -= 1
            if self._first_steps_left >= 0:
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
        lane = self._server.lane
        if lane is None or self._server.is_stopping:
            self._hand_over()
            return
        parsed = parse(self._data, lane.largest_body)
        if parsed is None:
            self._hand_over()
        elif isinstance(parsed, Incomplete):
            clients = self._server.clients
            clients.receiving.setdefault(self, clients.now)
            self._wait_for_client()
        else:
            self._server.clients.receiving.pop(self, None)
            request, self._request_end = parsed
            self._is_busy = True
            start = lane.begin(request)
            Callbacks(lane.answer(request, start), start.request_id, self._answered)

    def _answered(self, outcome: LaneResponse | FailedRequest | None) -> None:
        """Send a response of the fast lane soon. Hand any other outcome over to Flask."""
        if isinstance(outcome, LaneResponse) and outcome.response.stream:
            self._forget()
            self._server.serve_events(self._socket, outcome, outcome.response.stream)
        elif self._socket.fileno() < 0:
            return
        elif isinstance(outcome, LaneResponse):
            self._response = outcome
            self._server.sends.add(self._send)
        else:
            self._hand_over(outcome)

    def _send(self) -> None:
        response, self._response = self._response, None
        if response is None or self._socket.fileno() < 0:
            return
        try:
            rest = send(self._socket, response)
        except OSError:
            self.close()
            return
        if rest is None:
            self._finish_request()
        else:
            ends = self._finish_request, self.close
            self._slow_response = SlowResponse(self._socket, self._server.clients, rest, *ends)

    def _finish_request(self) -> None:
        """Continue with the next request."""
        self._slow_response = None
        self._data = self._data[self._request_end :]
        self._first_steps_left = 0 if self._data else limits.FIRST_STEPS
        if self._data:  # the client sent it before it had the response: it needs a turn
            self._server.turns.add(self._serve_rest, is_first_step=False)
        else:
            self._wait_for_client()

    def _serve_rest(self) -> None:
        if self._socket.fileno() >= 0:
            self._serve()

    def _wait_for_client(self) -> None:
        """Receive the next bytes when they arrive."""
        self._is_busy = False
        clients = self._server.clients
        clients.waiting[self] = clients.now
        if not self._watcher.active:
            self._watcher.start(self._on_readable)

    def _hand_over(self, reason: Reason = None) -> None:
        """Let Flask answer the request at the start of `_data`, or send the response to `reason`."""
        self._forget()
        self._server.serve_with_flask(
            self._socket, self._address, self._data, self._first_steps_left, reason
        )

    def _forget(self) -> None:
        """Let the event loop and the server forget this connection."""
        self._watcher.stop()
        self._watcher.close()
        clients = self._server.clients
        clients.waiting.pop(self, None)
        clients.receiving.pop(self, None)
        if self._slow_response:
            self._slow_response.close()
