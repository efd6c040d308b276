"""Listens for changed videos with Postgres' LISTEN/NOTIFY, on one connection per process.

When a transaction changes a video and commits, a trigger sends a notification
(migrations/versions/0003). The listener reads notifications together with the response to a query. So
it sends a query every INTERVAL seconds. After the response, it has received all earlier notifications.
All times in this module are in seconds.
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
"""Seconds between two queries."""
POOLED_INTERVAL = 5.0
"""Seconds until the next attempt to listen, after a connection pooler has answered.

A connection pooler, such as PgBouncer, is a server between this service and Postgres.
"""
CONNECT_TIMEOUT = 0.3
"""Maximum seconds to connect to Postgres."""
QUERY_TIMEOUT = 0.25
"""Maximum seconds for a query of the listener."""
ADDED = "added"
"""The payload of a notification that videos were added. Else it is the id of a changed video."""

_log = structlog.get_logger(__name__)


class _PooledError(psycopg.OperationalError):
    """A connection pooler has answered instead of Postgres.

    It may run each query on another connection to Postgres. Then notifications would be lost.
    """


class ChangeHandler(Protocol):
    """Receives the events of a ChangeListener."""

    def should_listen(self) -> bool:
        """Return whether the listener must continue. If False, it stops."""

    def on_listening(self) -> None:
        """The listener now receives notifications. Notifications of earlier changes may be lost."""

    def on_change(self, video_id: int | None) -> None:
        """This video has changed. If `video_id` is None, any video may have changed."""

    def on_added(self) -> None:
        """Videos were added."""

    def on_confirmed(self, at: float) -> None:
        """The listener has received the notifications of all changes committed before `at`.

        `at` is a time of the listener's clock.
        """

    def on_unreachable(self) -> None:
        """Postgres answers neither the listener nor a query on a pooled connection."""

    def on_stopped(self) -> None:
        """The listener has stopped. It receives no notifications until the next `on_listening`."""


class ChangeListener:
    """Listens in a thread (a greenlet under gevent) while `handler.should_listen()` returns True."""

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
        """Start the listener's thread, unless the thread is already running."""
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                self._stopping = threading.Event()
                self._thread = threading.Thread(
                    target=self._run, args=(self._stopping,), name="video-changes", daemon=True
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
                    self._start_listening(connection)
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

    def _start_listening(self, connection: BoundedConnection) -> None:
        connection.autocommit = True
        connection.add_notify_handler(lambda notification: self._report(notification.payload))
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

    def _report(self, payload: str) -> None:
        if payload == ADDED:
            self._handler.on_added()
        else:
            self._handler.on_change(_video_id(payload))

    def _report_if_unreachable(self) -> None:
        """Query Postgres on a pooled connection. If this also fails, call `on_unreachable`.

        The pooled connections may still work when the listener can't connect. For example, Postgres
        may have reached its maximum number of connections.
        """
        try:
            self._database.rows(sqlalchemy.select(1))
        except Unavailable:
            self._handler.on_unreachable()

    def _should_run(self, stopping: threading.Event) -> bool:
        return not stopping.is_set() and self._handler.should_listen()


def _announced_pid(connection: BoundedConnection) -> int:
    """Return the process id that the server sent when the connection was made.

    A pooler sends an invented process id.
    """
    return connection.info.backend_pid


def _video_id(payload: str) -> int | None:
    return int(payload) if payload.isdecimal() else None
