"""Listens for changed videos with Postgres' LISTEN/NOTIFY, on one connection per process.

A trigger sends a notification when a change commits (migrations/versions/0003). Notifications arrive
with the next response on the connection, so the listener sends a query every INTERVAL seconds. A
response also confirms that all earlier notifications have arrived.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Protocol

import psycopg
import sqlalchemy
import structlog

from resume_service.errors import Unavailable
from resume_service.postgres.connections import BoundedConnection, connect
from resume_service.postgres.database import Database

INTERVAL = 0.2
"""Seconds between two queries. All times in this module are in seconds."""
POOLED_INTERVAL = 5.0
"""Seconds before the next attempt behind a connection pooler."""
CONNECT_TIMEOUT = 0.3
QUERY_TIMEOUT = 0.25

_log = structlog.get_logger(__name__)


class _PooledError(psycopg.OperationalError):
    """A pooler is between, which may run queries in another Postgres session."""


class ChangeHandler(Protocol):
    """Receives the events of a ChangeListener."""

    def should_listen(self) -> bool:
        """Return False when the listener may stop."""

    def on_listening(self) -> None:
        """Notifications arrive from now on. Earlier ones may have been missed."""

    def on_change(self, video_id: int | None) -> None:
        """The video has changed. None means that any video may have changed."""

    def on_confirmed(self, at: float) -> None:
        """All notifications of changes committed before `at` have arrived.

        `at` is a time of the listener's clock.
        """

    def on_unreachable(self) -> None:
        """Postgres is unreachable, so a query would fail."""

    def on_stopped(self) -> None:
        """No notification arrives until the next `on_listening`."""


class ChangeListener:
    """Listens in a thread (a greenlet under gevent) while `handler.should_listen()` is true."""

    def __init__(
        self, database: Database, handler: ChangeHandler, clock: Callable[[], float]
    ) -> None:
        self._database = database
        self._handler = handler
        self._clock = clock
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._stopping = threading.Event()

    def listen(self) -> None:
        """Start the listener's thread unless it runs."""
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                self._stopping = threading.Event()
                job = (self._stopping,)
                self._thread = threading.Thread(
                    target=self._run, args=job, name="video-changes", daemon=True
                )
                self._thread.start()

    def close(self) -> None:
        """Stop listening. Wait at most two seconds for the connection to close."""
        self._stopping.set()
        if self._thread:
            self._thread.join(2)

    def _run(self, stopping: threading.Event) -> None:
        failures = 0
        while self._should_run(stopping):
            try:
                with contextlib.closing(self._connected()) as connection:
                    self._begin(connection)
                    failures = 0
                    self._poll(connection, stopping)
            except (OSError, psycopg.Error) as fault:
                failures += 1
                if failures == 1:
                    _log.warning("not told of changed videos", fault=str(fault).strip())
                if isinstance(fault, _PooledError):
                    stopping.wait(POOLED_INTERVAL)
                else:
                    self._report_if_unreachable()
                    stopping.wait(INTERVAL)
        self._handler.on_stopped()

    def _connected(self) -> BoundedConnection:
        return connect(self._database.url, within=CONNECT_TIMEOUT, timeout=QUERY_TIMEOUT)

    def _begin(self, connection: BoundedConnection) -> None:
        connection.autocommit = True
        connection.add_notify_handler(
            lambda notice: self._handler.on_change(_video_id(notice.payload))
        )
        ((pid,),) = connection.execute("SELECT pg_backend_pid()").fetchall()
        if pid != _announced_pid(connection):
            raise _PooledError("a pool of connections stands between, which may lose notices")
        connection.execute("LISTEN video_changed")
        self._handler.on_listening()

    def _poll(self, connection: BoundedConnection, stopping: threading.Event) -> None:
        while self._should_run(stopping):
            sent_at = self._clock()
            connection.execute("SELECT 1")
            self._handler.on_confirmed(sent_at)
            stopping.wait(INTERVAL)

    def _report_if_unreachable(self) -> None:
        """Query Postgres over the pool, and report if that fails too.

        The listener may fail alone, for example when Postgres accepts no more connections.
        """
        try:
            self._database.rows(sqlalchemy.select(1))
        except Unavailable:
            self._handler.on_unreachable()

    def _should_run(self, stopping: threading.Event) -> bool:
        return not stopping.is_set() and self._handler.should_listen()


def _announced_pid(connection: BoundedConnection) -> int:
    """The process id that the server sent at connect. A pooler sends an invented one."""
    return connection.info.backend_pid


def _video_id(payload: str) -> int | None:
    return int(payload) if payload.isdecimal() else None
