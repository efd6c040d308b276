"""A gevent worker of gunicorn with the fast lane. A stop drops no request.

Each connection has its own greenlet. So a slow, idle or lost client blocks no other client.
Uses internals of gunicorn 27. requirements/service.in allows only that version.
"""

from __future__ import annotations

import contextlib
import signal
import socket
import time
import uuid
from http import HTTPStatus
from typing import Any

import gevent
import gevent.socket
import structlog
from gevent import monkey
from gevent.event import Event
from gevent.pool import Pool
from gevent.server import StreamServer
from gunicorn import http, util
from gunicorn.http import errors
from gunicorn.workers.ggevent import GeventWorker

from resume_service.server import request_parser
from resume_service.server.response_writer import SMALL, SendQueue, error_bytes, response_bytes
from resume_service.web.fast_lane import FastLane
from resume_service.web.lifecycle import FailedRequest, raise_in_flask
from resume_service.web.messages import ApiResponse

LINGER_SECONDS = 0.5
"""Seconds. At a stop, idle connections may still send a request for this time."""
STATUSES = {
    errors.LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    errors.LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    errors.ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
    errors.UnsupportedTransferCoding: HTTPStatus.NOT_IMPLEMENTED,
}
_log = structlog.get_logger(__name__)


class Worker(GeventWorker):  # type: ignore[misc]  # gunicorn ships no types
    """One worker process."""

    def init_process(self) -> None:
        self._stopping = Event()
        self._idle: set[Any] = set()
        self._send_queue = SendQueue()
        super().init_process()

    def patch(self) -> None:
        """Patch the queue, which the master needs unpatched. Make the listeners gevent sockets."""
        monkey.patch_queue()
        self.sockets = [
            gevent.socket.socket(each.FAMILY, socket.SOCK_STREAM, fileno=each.sock.detach())
            for each in self.sockets  # type: ignore[has-type]
        ]

    def load_wsgi(self) -> None:
        super().load_wsgi()
        app: Any = self.wsgi  # type: ignore[has-type]
        lane = getattr(app, "wsgi_app", None)
        self._lane: FastLane | None = lane if isinstance(lane, FastLane) else None
        if self._lane:
            self.wsgi = self._lane.flask_app

    def init_signals(self) -> None:
        """Install the signal handlers. Then obey a stop signal that arrived since the fork.

        Until now, the inherited handler of the master put it into this process's copy of the queue.
        """
        inherited = signal.getsignal(signal.SIGTERM)
        super().init_signals()
        missed = getattr(getattr(inherited, "__self__", None), "SIG_QUEUE", None)
        while missed is not None and not missed.empty():
            if missed.get_nowait() in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
                self.alive = False

    def handle_exit(self, sig: int, frame: object) -> None:
        super().handle_exit(sig, frame)
        self._stopping.set()

    def run(self) -> None:
        """Serve until a stop signal. Then accept waiting connections and finish all requests."""
        servers = [self._serving(listener) for listener in self.sockets]
        while self.alive:
            self.notify()
            self._stopping.wait(1.0)
        for server in servers:
            # Accept them first: the kernel resets waiting connections when the listener closes.
            while (waiting := server.do_read()) is not None:
                server.do_handle(*waiting)
            server.close()
        self._finish(servers)

    def _serving(self, listener: Any) -> StreamServer:
        listener.setblocking(1)
        name = listener.getsockname()
        pool = Pool(self.worker_connections)
        server = StreamServer(
            listener, lambda client, addr: self._serve(name, client, addr), spawn=pool
        )
        if self.cfg.workers > 1:
            server.max_accept = 1
        server.start()
        return server

    def _finish(self, servers: list[StreamServer]) -> None:
        stopped = time.monotonic()
        while any(len(server.pool) for server in servers):
            waited = time.monotonic() - stopped
            if waited > self.cfg.graceful_timeout:
                self.log.warning("Worker graceful timeout (pid:%s)", self.pid)
                break
            if waited > LINGER_SECONDS:
                self._end_idle_connections()
            self.notify()
            gevent.sleep(0.02)
        for server in servers:
            server.stop(timeout=1)

    def _end_idle_connections(self) -> None:
        """Shut down reading, so each greenlet of an idle connection reads the end of it."""
        for client in tuple(self._idle):
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RD)

    def _serve(self, listener_name: Any, client: Any, addr: Any) -> None:
        """Serve one connection, request after request, until either side closes it."""
        request = None
        client.settimeout(self.cfg.keepalive)
        parser = http.get_parser(self.cfg, client, addr)
        unread = parser.unreader
        try:
            while data := unread.take_buffered() or self._next_bytes(client):
                outcome, rest = self._try_fast_lane(client, data)
                unread.unread(rest)
                if isinstance(outcome, ApiResponse):
                    self._send(client, response_bytes(outcome), alone=not rest)
                    continue
                self._send_queue.flush()  # gunicorn sends at once: send our earlier responses first
                request = next(parser)
                with raise_in_flask(outcome) if outcome else contextlib.nullcontext():
                    self.handle_request(listener_name, request, client, addr)
                if not parser.finish_body():
                    break
        except (StopIteration, errors.NoMoreData, OSError) as gone:
            self.log.debug("Closing connection. %r", gone)
        except Exception as fault:  # noqa: BLE001 - gunicorn logs it
            self.handle_error(request, client, addr, fault)
        finally:
            self._send_queue.flush()
            util.close(client)

    def _send(self, client: Any, answer: bytes, *, alone: bool) -> None:
        if alone and len(answer) <= SMALL:
            self._send_queue.send(client, answer)
        else:
            self._send_queue.flush()  # earlier responses to this client go first
            client.sendall(answer)

    def _next_bytes(self, client: Any) -> bytes:
        """Receive the next bytes from the client. Empty if it closed the connection."""
        self._idle.add(client)
        try:
            return bytes(client.recv(request_parser.CHUNK))
        finally:
            self._idle.discard(client)

    def _try_fast_lane(
        self, client: Any, data: bytes
    ) -> tuple[ApiResponse | FailedRequest | None, bytes]:
        """Let the lane answer the request in `data`. Return the outcome and the unread bytes.

        If the lane does not answer, all received bytes count as unread.
        """
        if self._lane is None or not self.alive:
            return None, data
        request, data = request_parser.read(data, client.recv, self._lane.largest_body)
        if request is None:
            return None, data
        outcome = self._lane.answer(request.environ, lambda _length: request.body)
        return outcome, request.rest if isinstance(outcome, ApiResponse) else data

    def handle_error(self, req: object, client: Any, addr: object, exc: Exception) -> None:
        """Answer a malformed request with the common error body.

        Log only the type of the error: the text of a malformed request may contain a token.
        """
        if not isinstance(exc, errors.ParseException):
            super().handle_error(req, client, addr, exc)
            return
        status = STATUSES.get(type(exc), HTTPStatus.BAD_REQUEST)
        request_id = uuid.uuid4().hex
        _log.warning("malformed request", fault=type(exc).__name__, request_id=request_id)
        with contextlib.suppress(OSError):  # the client may be gone
            util.write_nonblock(client, error_bytes(status, request_id))
