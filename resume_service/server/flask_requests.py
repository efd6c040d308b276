"""Answers the requests that the fast lane does not answer: with gunicorn's parser, and with Flask.

Each of these requests has a greenlet. The greenlet starts when it has a turn (see `turns.py`).
"""

from __future__ import annotations

import _socket
import contextlib
import time
from collections.abc import Callable
from typing import Any

from gevent.pool import Group
from gunicorn import http, util
from gunicorn.http import errors
from gunicorn.workers.base_async import AsyncWorker

from resume_service.event_streams import EventStream
from resume_service.server import limits
from resume_service.server.client_socket import ClientSocket
from resume_service.server.clients import Clients
from resume_service.server.error_responses import RequestTooSlow, error_response
from resume_service.server.event_connection import EventConnection
from resume_service.server.interfaces import Reason
from resume_service.web.lifecycle import raise_in_flask

GONE = (errors.NoMoreData, OSError)
"""Errors that occur if the client has closed the connection, or takes nothing from it."""
TakeBack = Callable[[ClientSocket, Any, bytes], None]
"""Takes over the socket after a response, with the address and the next bytes of the client."""


class FlaskRequests:
    """`worker` is the gunicorn worker. Its method `handle_request` calls Flask."""

    def __init__(self, worker: AsyncWorker, clients: Clients, take_back: TakeBack) -> None:
        self._worker = worker
        self._clients = clients
        self._take_back = take_back
        self._greenlets = Group()

    def start(self, client: ClientSocket, address: Any, data: bytes, reason: Reason) -> None:
        """Answer the request that starts with `data`, in a new greenlet."""
        self._greenlets.spawn(self._serve, client, address, data, reason)

    def stop(self, seconds: float) -> None:
        """Kill the greenlets that still run after `seconds`. Wait one more second for their end."""
        self._greenlets.join(timeout=seconds)
        self._greenlets.kill(timeout=1)

    def _serve(self, client: ClientSocket, address: Any, data: bytes, reason: Reason) -> None:
        rest: bytes | None = None
        try:
            rest = self._serve_request(client, address, data, reason)
        finally:
            if rest is None and not client.is_streaming:
                if client.event_stream:
                    client.event_stream.close()
                util.close(client)
                self._clients.count -= 1
        if rest is not None:
            self._take_back(client, address, rest)

    def _serve_request(
        self, client: ClientSocket, address: Any, data: bytes, reason: Reason
    ) -> bytes | None:
        """Answer one request. Return the received bytes after it, or None at the end."""
        request = None
        parser = http.get_parser(self._worker.cfg, client, address)
        parser.unreader.unread(data)
        try:
            if isinstance(reason, RequestTooSlow):
                raise reason  # noqa: TRY301 - the response is the same as to other slow requests
            client.start_request(len(data))
            request = next(parser)
            client.end_head()
            if getattr(request.body.reader, "length", 0) > limits.MAX_UNREAD_BODY:
                request.force_close()  # nothing reads this body, so the connection must close
            with raise_in_flask(reason) if reason else contextlib.nullcontext():
                self._handle(request, client, address)
            if client.event_stream:
                self._start_events(client, client.event_stream, request)
                return None
            if parser.finish_body(
                time.monotonic() + limits.UNREAD_BODY_SECONDS, limits.MAX_UNREAD_BODY
            ):
                return bytes(parser.unreader.take_buffered())
        except StopIteration:
            pass  # gunicorn has answered, and the connection must close
        except Exception as fault:  # noqa: BLE001 - gunicorn logs it
            if isinstance(fault, GONE) and not isinstance(fault, RequestTooSlow):
                self._worker.log.debug("Closing connection. %r", fault)
                return None
            self._refuse(request, client, address, fault)
        client.start_lingering()
        util.close_graceful(client, limits.LINGER_SECONDS, limits.LINGER_BYTES)
        return None

    def _handle(self, request: Any, client: ClientSocket, address: Any) -> None:
        """Raises StopIteration if the connection must close, unless a stream follows."""
        try:
            self._worker.handle_request(client.getsockname(), request, client, address)
        except StopIteration:
            if client.event_stream is None:
                raise

    def _start_events(self, client: ClientSocket, stream: EventStream, request: Any) -> None:
        client.is_streaming = True
        raw = _socket.socket(client.family, client.type, client.proto, client.detach())
        raw.settimeout(0)
        is_chunked = request.version > (1, 0)
        EventConnection(self._clients, raw, stream, is_chunked=is_chunked).start()

    def _refuse(
        self, request: object, client: ClientSocket, address: Any, fault: Exception
    ) -> None:
        """Answer a malformed or slow request. gunicorn handles other errors."""
        if isinstance(fault, errors.ParseException | RequestTooSlow):
            with contextlib.suppress(OSError):  # the client may have disconnected
                client.sendall(error_response(fault))
        else:
            self._worker.handle_error(request, client, address, fault)
