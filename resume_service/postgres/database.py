"""The Postgres pool of the web servers. No request waits a second for Postgres."""

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
"""Seconds to wait for a connection, and for each reply. Three such waits take less than 1 s."""
CONNECTIONS = 8
"""Maximum connections of a process. They suffice: polled routes do not query Postgres."""
FRESH_SECONDS = 1.0
"""Seconds for which `ping` reuses its last result."""


class Database:
    """A pool of connections to the database at `url`. It connects on first use.

    `connect_timeout` and `timeout` are the seconds to connect and to wait for each reply.
    """

    def __init__(
        self, url: str, *, connect_timeout: float = WAIT_SECONDS, timeout: float = WAIT_SECONDS
    ) -> None:
        self._url = url
        self._timeout = timeout
        self._connect = partial(connect, url, within=connect_timeout, timeout=timeout)
        self._engine = sqlalchemy.create_engine(
            "postgresql+psycopg://",
            creator=self._connect,
            pool_size=CONNECTIONS,
            max_overflow=0,  # in a burst, a new connection takes longer than waiting for one
            pool_use_lifo=True,
            pool_timeout=connect_timeout,
            pool_pre_ping=True,
            use_native_hstore=False,  # otherwise each new connection looks up hstore
        )
        event.listen(self._engine, "checkin", _reset_timeout(timeout))
        # Close the connections when this object is garbage-collected.
        weakref.finalize(self, self._engine.dispose).atexit = False
        self._probing = threading.Lock()
        self._probed_at = -FRESH_SECONDS
        self._is_up = False

    @property
    def url(self) -> str:
        return self._url

    def rows(
        self, query: sqlalchemy.Select[*tuple[Any, ...]], values: Mapping[str, Any] | None = None
    ) -> Sequence[sqlalchemy.Row[*tuple[Any, ...]]]:
        """Return the rows of `query`, with `values` for its parameters.

        Raises Unavailable when Postgres does not answer in time.
        """
        with self.transaction() as connection:
            return connection.execute(query, values).all()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlalchemy.Connection]:
        """A connection in one transaction: all its statements take effect, or none.

        Raises Unavailable when Postgres does not answer in time, IntegrityError for a broken
        constraint, and DataError for an invalid value.
        """
        try:
            with self._engine.begin() as connection:
                _bounded(connection).set_transaction_timeout(self._timeout)
                yield connection
        except (IntegrityError, DataError):
            raise  # Postgres works: a value is wrong
        except (OSError, DBAPIError, PoolTimeout, psycopg.OperationalError) as fault:
            raise Unavailable from fault

    def allow(self, connection: sqlalchemy.Connection, seconds: float) -> None:
        """Allow `seconds` for each further statement of this transaction. Postgres has answered."""
        _bounded(connection).set_transaction_timeout(seconds)

    def ping(self) -> None:
        """Raise Unavailable unless Postgres answers, or answered within the last FRESH_SECONDS."""
        with self._probing:
            if time.monotonic() >= self._probed_at + FRESH_SECONDS:
                self._is_up = self._probe()
                self._probed_at = time.monotonic()
        if not self._is_up:
            raise Unavailable

    def close(self) -> None:
        """Close the pooled connections. The next query opens new ones.

        The garbage collection of this object also closes them.
        """
        self._engine.dispose()

    def _probe(self) -> bool:
        try:
            with self._connect() as connection:
                connection.execute("SELECT 1")
        except (OSError, psycopg.Error):
            return False
        return True


def _reset_timeout(timeout: float) -> Callable[[Any, object], None]:
    """Return a hook that undoes `allow` when a connection goes back to the pool."""

    def reset(connection: Any, _record: object) -> None:
        if connection is not None:
            connection.timeout = timeout

    return reset


def _bounded(connection: sqlalchemy.Connection) -> BoundedConnection:
    """Return the driver's connection."""
    driver_connection: Any = connection.connection.dbapi_connection
    return cast(BoundedConnection, driver_connection)
