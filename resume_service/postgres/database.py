"""The web servers' way to Postgres: never waited for by a second."""

from __future__ import annotations

import contextlib
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, cast

import psycopg
import sqlalchemy
from sqlalchemy import event
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from resume_service.errors import Unavailable
from resume_service.postgres.connections import BoundedConnection, connect

WAIT_SECONDS = 0.3
"""For a connection, and for each answer on it; both together and one more are below a second."""
CONNECTIONS = 8
"""Of a process at most: nothing that is polled asks Postgres."""
FRESH_SECONDS = 1.0
"""For which one probe answers for all that ask whether Postgres is there."""


class Database:
    """The database at `url`; it connects on use, within some seconds, and waits `timeout` seconds
    for each answer."""

    def __init__(
        self, url: str, *, connect_timeout: float = WAIT_SECONDS, timeout: float = WAIT_SECONDS
    ) -> None:
        self._url = url
        self._timeout = timeout
        self._connected = partial(connect, url, within=connect_timeout, timeout=timeout)
        self._engine = sqlalchemy.create_engine(
            "postgresql+psycopg://",
            creator=self._connected,
            pool_size=CONNECTIONS,
            max_overflow=0,  # to connect anew for each of a burst would take longer than to wait
            pool_use_lifo=True,
            pool_timeout=connect_timeout,
            pool_pre_ping=True,
            use_native_hstore=False,  # or each new connection would ask for it
        )
        event.listen(self._engine, "checkin", _calmed(timeout))
        # The engine holds nothing of this object, so it can be closed once this one is gone.
        weakref.finalize(self, self._engine.dispose).atexit = False
        self._probing = threading.Lock()
        self._probed_at = -FRESH_SECONDS
        self._answers = False

    @property
    def url(self) -> str:
        return self._url

    def rows(
        self, query: sqlalchemy.Select[*tuple[Any, ...]], values: Mapping[str, Any] | None = None
    ) -> Sequence[sqlalchemy.Row[*tuple[Any, ...]]]:
        """What `query` finds, with those values of its parameters.

        Raises Unavailable when Postgres does not answer in time.
        """
        with self.transaction() as connection:
            return connection.execute(query, values).all()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlalchemy.Connection]:
        """What is executed on this connection is done together, or not at all.

        Raises Unavailable when Postgres does not answer in time, IntegrityError for what breaks a
        constraint.
        """
        try:
            with self._engine.begin() as connection:
                _of(connection).bound_transaction(self._timeout)
                yield connection
        except (IntegrityError, DataError):
            raise  # Postgres is there: what it was given is wrong
        except (OSError, DBAPIError, PoolTimeout, psycopg.OperationalError) as fault:
            raise Unavailable from fault

    def allow(self, connection: sqlalchemy.Connection, seconds: float) -> None:
        """Let what follows in this transaction take `seconds` a statement; Postgres is there."""
        _of(connection).bound_transaction(seconds)

    def ping(self) -> None:
        """Raises Unavailable unless Postgres answered within the last second or does so now."""
        with self._probing:
            if time.monotonic() >= self._probed_at + FRESH_SECONDS:
                self._answers = self._probe()
                self._probed_at = time.monotonic()
        if not self._answers:
            raise Unavailable

    def close(self) -> None:
        """Close what connections are kept; the next query makes new ones.

        Comes by itself when nobody holds this object any more.
        """
        self._engine.dispose()

    def _probe(self) -> bool:
        try:
            with self._connected() as connection:
                connection.execute("SELECT 1")
        except (OSError, psycopg.Error):
            return False
        return True


def _calmed(timeout: float) -> Callable[[Any, object], None]:
    """Takes back what `allow` allowed, before the connection is another's."""

    def calm(made: Any, _record: object) -> None:
        if made is not None:
            made.timeout = timeout

    return calm


def _of(connection: sqlalchemy.Connection) -> BoundedConnection:
    made: Any = connection.connection.dbapi_connection
    return cast(BoundedConnection, made)
