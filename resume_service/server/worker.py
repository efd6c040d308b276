"""gunicorn's gevent worker, with the fast lane before it and stops that drop no request.

Each connection has a greenlet, so that a client that is slow, idle or gone holds up nobody else.
Relies on the inside of gunicorn 27, which requirements/service.in holds it to.
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
"""How long idle connections may still bring a request when the service stops."""
STATUSES = {
    errors.LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    errors.LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    errors.ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
    errors.UnsupportedTransferCoding: HTTPStatus.NOT_IMPLEMENTED,
}
_log = structlog.get_logger(__name__)


class Worker(GeventWorker):  # type: ignore[misc]  # gunicorn ships no types
    """One process of the service."""

    def init_process(self) -> None:
        self._stopping = Event()
        self._idle: set[Any] = set()
        self._send_queue = SendQueue()
        super().init_process()

    def patch(self) -> None:
        """Complete what gunicorn.conf.py has patched, now that this is no longer the master."""
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
        """Take the signals over, and heed one that came since the fork and went to gunicorn's master.

        Until now the master's own handler put it into this process' copy of the master's queue.
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
        """Serve until told to stop; then finish what is under way and whom the kernel let in."""
        servers = [self._serving(listener) for listener in self.sockets]
        while self.alive:
            self.notify()
            self._stopping.wait(1.0)
        for server in servers:
            # gunicorn would leave these to be reset by the kernel.
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
        """Have the greenlet of each read the end of its connection."""
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
                self._send_queue.flush()  # gunicorn's answers go out at once, after ours
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
            self._send_queue.flush()  # what this client is owed comes first
            client.sendall(answer)

    def _next_bytes(self, client: Any) -> bytes:
        """What the client sends next; nothing when it has closed the connection."""
        self._idle.add(client)
        try:
            return bytes(client.recv(request_parser.CHUNK))
        finally:
            self._idle.discard(client)

    def _try_fast_lane(
        self, client: Any, data: bytes
    ) -> tuple[ApiResponse | FailedRequest | None, bytes]:
        """What the lane makes of the request that begins with `data`, and the bytes still unread.

        Unless it answers, these are all of the request's that have come.
        """
        if self._lane is None or not self.alive:
            return None, data
        request, data = request_parser.read(data, client.recv, self._lane.largest_body)
        if request is None:
            return None, data
        outcome = self._lane.answer(request.environ, lambda _length: request.body)
        return outcome, request.rest if isinstance(outcome, ApiResponse) else data

    def handle_error(self, req: object, client: Any, addr: object, exc: Exception) -> None:
        """Answer a request that can't be parsed in the one shape of errors.

        Only the kind of the fault is logged: the text of a broken request may hold a token.
        """
        if not isinstance(exc, errors.ParseException):
            super().handle_error(req, client, addr, exc)
            return
        status = STATUSES.get(type(exc), HTTPStatus.BAD_REQUEST)
        request_id = uuid.uuid4().hex
        _log.warning("malformed request", fault=type(exc).__name__, request_id=request_id)
        with contextlib.suppress(OSError):  # the client may be gone
            util.write_nonblock(client, error_bytes(status, request_id))
