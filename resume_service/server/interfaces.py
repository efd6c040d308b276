"""What a connection uses of the server. So the two modules do not import each other."""

from __future__ import annotations

import _socket
from typing import Any, Protocol

from resume_service.event_streams import EventStream
from resume_service.server.batch import Batch
from resume_service.server.clients import Clients
from resume_service.server.error_responses import RequestTooSlow
from resume_service.server.turns import Turns
from resume_service.web.fast_lane import FastLane
from resume_service.web.lifecycle import FailedRequest
from resume_service.web.messages import LaneResponse

Reason = FailedRequest | RequestTooSlow | None
"""The error of a request in the fast lane, if it has one."""


class Server(Protocol):
    """`HttpServer` implements it."""

    lane: FastLane | None
    """Without a lane, Flask answers all requests."""
    loop: Any
    """The event loop of gevent."""
    turns: Turns
    clients: Clients
    requests: Batch
    """The requests that have arrived."""
    sends: Batch
    """The responses to send."""
    is_stopping: bool
    """If true, Flask answers all requests, because gunicorn then closes the connections."""

    def serve_with_flask(
        self,
        accepted: _socket.socket,
        address: Any,
        data: bytes,
        first_steps_left: int,
        reason: Reason,
    ) -> None:
        """Take over the socket of a connection in the fast lane. Its request starts with `data`."""

    def serve_events(self, client: _socket.socket, head: LaneResponse, stream: EventStream) -> None:
        """Take over the socket of a connection, which may be closed. Send the head and the events."""
