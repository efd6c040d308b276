"""Hears from Postgres which videos change, on one connection of a process.

A trigger tells of every change with its commit (migrations/versions/0003). What was told arrives
with the next answer on the connection, so something is asked every INTERVAL seconds; an answer also
shows that nothing was missed before it was asked.
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
"""Seconds, as all here."""
POOLED_INTERVAL = 5.0
CONNECT_TIMEOUT = 0.3
QUERY_TIMEOUT = 0.25

_log = structlog.get_logger(__name__)


class _PooledError(psycopg.OperationalError):
    """What asks Postgres is not always the session that listens."""


class ChangeHandler(Protocol):
    """Who wants to know."""

    def should_listen(self) -> bool:
        """False when nobody asks any more, and listening may end."""

    def on_listening(self) -> None:
        """Changes are heard from here on; there may have been some that were not."""

    def on_change(self, video_id: int | None) -> None:
        """That video has changed; any may have when it is None."""

    def on_confirmed(self, at: float) -> None:
        """Every change committed before `at`, by the clock, has been told."""

    def on_unreachable(self) -> None:
        """Postgres is out of reach: no question would have an answer."""

    def on_stopped(self) -> None:
        """Nothing is heard until the next beginning."""


class ChangeListener:
    """Listens in a thread (a greenlet under gevent) while that is worthwhile to `handler`."""

    def __init__(
        self, database: Database, handler: ChangeHandler, clock: Callable[[], float]
    ) -> None:
        self._database = database
        self._handler = handler
        self._clock = clock
        self._listener: threading.Thread | None = None
        self._starting = threading.Lock()
        self._stopping = threading.Event()

    def listen(self) -> None:
        """See to it that somebody listens."""
        with self._starting:
            if self._listener is None or not self._listener.is_alive():
                self._stopping = threading.Event()
                job = (self._stopping,)
                self._listener = threading.Thread(
                    target=self._run, args=job, name="video-changes", daemon=True
                )
                self._listener.start()

    def close(self) -> None:
        """Stop listening and wait until the connection is closed."""
        self._stopping.set()
        if self._listener:
            self._listener.join(2)

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
        connection.add_notify_handler(lambda told: self._handler.on_change(_video_id(told.payload)))
        ((pid,),) = connection.execute("SELECT pg_backend_pid()").fetchall()
        if pid != _announced_pid(connection):
            raise _PooledError("a pool of connections stands between, which may lose notices")
        connection.execute("LISTEN video_changed")
        self._handler.on_listening()

    def _poll(self, connection: BoundedConnection, stopping: threading.Event) -> None:
        while self._should_run(stopping):
            asked_at = self._clock()
            connection.execute("SELECT 1")
            self._handler.on_confirmed(asked_at)
            stopping.wait(INTERVAL)

    def _report_if_unreachable(self) -> None:
        """Listening may fail where asking goes well, as when all connections are taken."""
        try:
            self._database.rows(sqlalchemy.select(1))
        except Unavailable:
            self._handler.on_unreachable()

    def _should_run(self, stopping: threading.Event) -> bool:
        return not stopping.is_set() and self._handler.should_listen()


def _announced_pid(connection: BoundedConnection) -> int:
    """The process at the other end as it called itself; a pool makes up one of its own."""
    return connection.info.backend_pid


def _video_id(payload: str) -> int | None:
    return int(payload) if payload.isdecimal() else None
