"""A gevent worker for gunicorn with the fast lane. When it stops, it finishes all requests first.

The fast lane answers ordinary requests before Flask (see `web/fast_lane.py`). Each connection has
its own greenlet. So a slow or idle client blocks no other client. This module uses internals of
gunicorn 27, so requirements/service.in allows only this version.
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
"""Seconds after a stop signal in which idle connections may still send a request."""
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
        """Patch `queue` (only the master needs it unpatched). Make the listeners gevent sockets."""
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
        """Install the signal handlers. Stop if a stop signal has arrived since the fork.

        Before this call, the handler of the master puts signals into SIG_QUEUE of this process.
        """
        inherited = signal.getsignal(signal.SIGTERM)
        super().init_signals()
        signals = getattr(getattr(inherited, "__self__", None), "SIG_QUEUE", None)
        while signals is not None and not signals.empty():
            if signals.get_nowait() in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
                self.alive = False

    def handle_exit(self, sig: int, frame: object) -> None:
        super().handle_exit(sig, frame)
        self._stopping.set()

    def run(self) -> None:
        """Serve until a stop signal. Then accept waiting connections and finish all requests."""
        servers = [self._start_server(listener) for listener in self.sockets]
        while self.alive:
            self.notify()
            self._stopping.wait(1.0)
        for server in servers:
            # Accept waiting connections before the close: the close of a listener resets them.
            while (waiting := server.do_read()) is not None:
                server.do_handle(*waiting)
            server.close()
        self._finish(servers)

    def _start_server(self, listener: Any) -> StreamServer:
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
        """Shut down reading. Then the greenlet of each idle connection reads the end and stops."""
        for client in tuple(self._idle):
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RD)

    def _serve(self, listener_name: Any, client: Any, addr: Any) -> None:
        """Answer the requests of one connection until the client or this worker closes it."""
        request = None
        client.settimeout(self.cfg.keepalive)
        parser = http.get_parser(self.cfg, client, addr)
        unread = parser.unreader
        try:
            while data := unread.take_buffered() or self._next_bytes(client):
                outcome, rest = self._try_fast_lane(client, data)
                unread.unread(rest)
                if isinstance(outcome, ApiResponse):
                    self._send(client, response_bytes(outcome), may_wait=not rest)
                    continue
                self._send_queue.flush()  # gunicorn sends at once: send earlier responses first
                request = next(parser)
                with raise_in_flask(outcome) if outcome else contextlib.nullcontext():
                    self.handle_request(listener_name, request, client, addr)
                if not parser.finish_body():
                    break
        except (StopIteration, errors.NoMoreData, OSError) as end:
            self.log.debug("Closing connection. %r", end)
        except Exception as fault:  # noqa: BLE001 - gunicorn logs it
            self.handle_error(request, client, addr, fault)
        finally:
            self._send_queue.flush()
            util.close(client)

    def _send(self, client: Any, answer: bytes, *, may_wait: bool) -> None:
        if may_wait and len(answer) <= SMALL:
            self._send_queue.send(client, answer)
        else:
            self._send_queue.flush()  # the queue may contain earlier responses to this client
            client.sendall(answer)

    def _next_bytes(self, client: Any) -> bytes:
        """Receive the next bytes. Return empty bytes if the client has closed the connection."""
        self._idle.add(client)
        try:
            return bytes(client.recv(request_parser.CHUNK))
        finally:
            self._idle.discard(client)

    def _try_fast_lane(
        self, client: Any, data: bytes
    ) -> tuple[ApiResponse | FailedRequest | None, bytes]:
        """Let the fast lane answer the request in `data`. Return the outcome and the unread bytes.

        If the fast lane does not answer, the unread bytes are all received bytes.
        """
        if self._lane is None or not self.alive:
            return None, data
        request, data = request_parser.read(data, client.recv, self._lane.largest_body)
        if request is None:
            return None, data
        outcome = self._lane.answer(request.environ, lambda _length: request.body)
        return outcome, request.rest if isinstance(outcome, ApiResponse) else data

    def handle_error(self, req: object, client: Any, addr: object, exc: Exception) -> None:
        """Answer a malformed request. Do not log the error's message: it may contain a token."""
        if not isinstance(exc, errors.ParseException):
            super().handle_error(req, client, addr, exc)
            return
        status = STATUSES.get(type(exc), HTTPStatus.BAD_REQUEST)
        request_id = uuid.uuid4().hex
        _log.warning("malformed request", fault=type(exc).__name__, request_id=request_id)
        with contextlib.suppress(OSError):  # the client may have disconnected
            util.write_nonblock(client, error_bytes(status, request_id))
