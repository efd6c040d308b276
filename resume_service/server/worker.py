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
from typing import Any

import gevent
import gevent.socket
from gevent import monkey
from gevent.event import Event
from gunicorn import http, util
from gunicorn.http import errors
from gunicorn.workers.ggevent import GeventWorker

from resume_service.server import limits, request_parser
from resume_service.server.client_socket import ClientSocket
from resume_service.server.error_responses import RequestTooSlow, error_response
from resume_service.server.listener import Listener
from resume_service.server.response_writer import SMALL, SendQueue, response_bytes
from resume_service.server.turns import Turns
from resume_service.web.fast_lane import FastLane
from resume_service.web.lifecycle import FailedRequest, raise_in_flask
from resume_service.web.messages import ApiResponse

IDLE_AFTER_STOP_SECONDS = 0.5
"""Seconds after a stop signal in which idle connections may still send a request."""
STOP_SECONDS = 3.0
"""Seconds before the master kills this process at which it ends all its connections."""
GONE = (errors.NoMoreData, OSError)
"""Errors that occur if the client has closed the connection, or takes nothing from it."""


class Worker(GeventWorker):  # type: ignore[misc]  # gunicorn ships no types
    """One worker process."""

    def init_process(self) -> None:
        self._stopping = Event()
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
        turns = Turns()
        listeners = [self._start_listener(each, turns) for each in self.sockets]
        while self.alive:
            self.notify()
            self._stopping.wait(1.0)
        for listener in listeners:
            listener.accept_backlog()
            listener.close()
        self._finish(listeners)

    def _start_listener(self, listening_socket: Any, turns: Turns) -> Listener:
        listening_socket.setblocking(1)
        name = listening_socket.getsockname()
        listener = Listener(
            listening_socket, lambda client, addr: self._serve(name, client, addr), turns
        )
        listener.start()
        return listener

    def _finish(self, listeners: list[Listener]) -> None:
        """Wait for all requests, but end before the master would kill this process."""
        stopped = time.monotonic()
        while any(len(listener.pool) for listener in listeners):
            waited = time.monotonic() - stopped
            if waited > self.cfg.graceful_timeout - STOP_SECONDS:
                self.log.warning("Worker graceful timeout (pid:%s)", self.pid)
                break
            if waited > IDLE_AFTER_STOP_SECONDS:
                for listener in listeners:
                    listener.end_idle_connections()
            self.notify()
            gevent.sleep(0.02)
        for listener in listeners:
            listener.stop(timeout=STOP_SECONDS / 2)

    def _serve(self, listener_name: Any, client: ClientSocket, addr: Any) -> None:
        """Answer the requests of one connection until the client or this worker closes it."""
        try:
            if self._serve_requests(listener_name, client, addr):
                client.start_lingering()
                util.close_graceful(client, limits.LINGER_SECONDS, limits.LINGER_BYTES)
        finally:
            util.close(client)

    def _serve_requests(self, listener_name: Any, client: ClientSocket, addr: Any) -> bool:
        """Answer requests. Return False if the client has closed the connection."""
        request = None
        parser = http.get_parser(self.cfg, client, addr)
        unread = parser.unreader
        try:
            while data := self._next_data(client, unread):
                outcome, rest = self._try_fast_lane(client, data)
                unread.unread(rest)
                if isinstance(outcome, ApiResponse):
                    self._send(client, response_bytes(outcome), may_wait=not rest)
                    continue
                self._send_queue.flush()  # gunicorn sends at once: send earlier responses first
                client.start_slow_request(len(rest))
                request = next(parser)
                client.end_head()
                if getattr(request.body.reader, "length", 0) > limits.MAX_UNREAD_BODY:
                    request.force_close()  # nothing reads this body, so the connection must close
                with raise_in_flask(outcome) if outcome else contextlib.nullcontext():
                    self.handle_request(listener_name, request, client, addr)
                if not parser.finish_body(
                    time.monotonic() + limits.UNREAD_BODY_SECONDS, limits.MAX_UNREAD_BODY
                ):
                    return True
        except StopIteration:
            return True
        except Exception as fault:  # noqa: BLE001 - gunicorn logs it
            if isinstance(fault, GONE) and not isinstance(fault, RequestTooSlow):
                self.log.debug("Closing connection. %r", fault)
                return False
            self.handle_error(request, client, addr, fault)
            return True
        finally:
            self._send_queue.flush()
        return False

    def _next_data(self, client: ClientSocket, unread: Any) -> bytes:
        """Return the first bytes of the next request. Return empty bytes at the end."""
        data = bytes(unread.take_buffered())
        if data:
            client.start_pipelined_request()
            return data
        return client.receive_next()

    def _send(self, client: ClientSocket, answer: bytes, *, may_wait: bool) -> None:
        if may_wait and len(answer) <= SMALL:
            self._send_queue.send(client, answer)
        else:
            self._send_queue.flush()  # the queue may contain earlier responses to this client
            client.sendall(answer)

    def _try_fast_lane(
        self, client: ClientSocket, data: bytes
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
        """Answer a malformed or slow request. gunicorn handles other errors."""
        if not isinstance(exc, errors.ParseException | RequestTooSlow):
            super().handle_error(req, client, addr, exc)
            return
        with contextlib.suppress(OSError):  # the client may have disconnected
            client.sendall(error_response(exc))
