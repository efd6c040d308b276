"""A gevent worker for gunicorn with the fast lane. When it stops, it finishes all requests first.

The fast lane answers ordinary requests before Flask (see `web/fast_lane.py`). This module uses
internals of gunicorn 27, so requirements/service.in allows only this version.
"""

from __future__ import annotations

import signal
import socket
import time
from typing import Any

import gevent
import gevent.socket
from gevent import monkey
from gevent.event import Event
from gunicorn.workers.ggevent import GeventWorker

from resume_service.live.streams import LiveStreams
from resume_service.redis.router import RedisRouter
from resume_service.server import limits
from resume_service.server.callbacks import execute_in_loop
from resume_service.server.http_server import HttpServer
from resume_service.server.listener import Listener
from resume_service.server.redis_pipeline import RedisPipelines
from resume_service.telemetry import metrics
from resume_service.web.fast_lane import FastLane

TICK_SECONDS = 0.05
"""Seconds between two looks at the deadlines, and between two writes of the metrics."""
IDLE_AFTER_STOP_SECONDS = 0.5
"""Seconds after a stop signal in which idle connections may still send a request."""
STOP_SECONDS = 3.0
"""Seconds before the master kills this process at which it ends all its connections."""


class Worker(GeventWorker):  # type: ignore[misc]  # gunicorn ships no types
    """One worker process."""

    def init_process(self) -> None:
        self._stopping = Event()
        super().init_process()

    def patch(self) -> None:
        """Patch `queue` (only the master needs it unpatched). Make the listeners gevent sockets."""
        monkey.patch_queue()
        self.sockets = [
            gevent.socket.socket(each.FAMILY, socket.SOCK_STREAM, fileno=each.sock.detach())
            for each in self.sockets  # type: ignore[has-type]
        ]

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
        app: Any = self.wsgi  # type: ignore[has-type]
        lane = getattr(app, "wsgi_app", None)
        if isinstance(lane, FastLane):
            self.wsgi = lane.flask_app
        else:
            lane = None
        server = HttpServer(self, lane)
        pipelines = RedisPipelines(server.turns)
        services = getattr(app, "extensions", {}).get("resume_service")
        if services:  # the benchmark also runs an application without services
            services.get(RedisRouter).nodes.new_pipeline = pipelines.new
        live = services.find(LiveStreams) if services else None
        if live:
            live.start(execute_in_loop, limits.max_connections())
        metrics.sum_in_memory()
        ticks = server.loop.timer(TICK_SECONDS, TICK_SECONDS)
        ticks.start(lambda: _tick(server, pipelines, live))
        listeners = [Listener(each, server) for each in self.sockets]
        for listener in listeners:
            listener.start()
        while self.alive:
            self.notify()
            self._stopping.wait(1.0)
        server.is_stopping = True
        for listener in listeners:
            listener.accept_backlog()
            listener.close()
        if live:
            live.stop()
        self._finish(server)
        metrics.flush()

    def _finish(self, server: HttpServer) -> None:
        """Wait for all requests, but end before the master would kill this process."""
        stopped = time.monotonic()
        while server.clients.count:
            waited = time.monotonic() - stopped
            if waited > self.cfg.graceful_timeout - STOP_SECONDS:
                self.log.warning("Worker graceful timeout (pid:%s)", self.pid)
                break
            if waited > IDLE_AFTER_STOP_SECONDS:
                server.clients.close_idle()
            self.notify()
            gevent.sleep(0.02)
        server.stop(STOP_SECONDS / 2)


def _tick(server: HttpServer, pipelines: RedisPipelines, live: LiveStreams | None) -> None:
    pipelines.end_late_calls()
    server.clients.sweep()
    if live:
        live.tick()
    metrics.flush()
