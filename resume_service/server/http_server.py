"""The HTTP server of one process: all its connections, in the fast lane and in Flask."""

from __future__ import annotations

import _socket
from typing import Any

import gevent
from gunicorn.workers.base_async import AsyncWorker

from resume_service.event_streams import EventStream
from resume_service.server.batch import Batch
from resume_service.server.client_socket import ClientSocket
from resume_service.server.clients import Clients
from resume_service.server.connection import Connection
from resume_service.server.event_connection import EventConnection
from resume_service.server.flask_requests import FlaskRequests
from resume_service.server.interfaces import Reason
from resume_service.server.response_writer import response_bytes
from resume_service.server.turns import Turns
from resume_service.web.fast_lane import FastLane
from resume_service.web.messages import LaneResponse


class HttpServer:
    """What the connections of a process share (see `interfaces.py`)."""

    def __init__(self, worker: AsyncWorker, lane: FastLane | None) -> None:
        self.lane = lane
        self.loop = gevent.get_hub().loop
        self.turns = Turns()
        self.clients = Clients()
        self.requests, self.sends = Batch(), Batch()
        self.is_stopping = False
        self._flask = FlaskRequests(worker, self.clients, self._take_back)

    def add(self, accepted: _socket.socket, address: Any) -> None:
        """Serve a new connection. Its socket must not block."""
        self.clients.count += 1
        Connection(self, accepted, address)

    def serve_with_flask(
        self,
        accepted: _socket.socket,
        address: Any,
        data: bytes,
        first_steps_left: int,
        reason: Reason,
    ) -> None:
        client = ClientSocket(accepted, self.turns, self.clients, first_steps_left)
        self._flask.start(client, address, data, reason)

    def serve_events(self, client: _socket.socket, head: LaneResponse, stream: EventStream) -> None:
        if client.fileno() < 0:
            stream.close()
        else:
            EventConnection(self.clients, client, stream).start(response_bytes(head))

    def _take_back(self, client: ClientSocket, address: Any, data: bytes) -> None:
        """Take over the socket of a connection in Flask. Its next request starts with `data`."""
        raw = _socket.socket(client.family, client.type, client.proto, client.detach())
        raw.settimeout(0)
        Connection(self, raw, address, data)

    def stop(self, seconds: float) -> None:
        """Let the requests in Flask end within `seconds`. Then end them."""
        self._flask.stop(seconds)
