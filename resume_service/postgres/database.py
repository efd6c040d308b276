"""A pool of connections to Postgres, with short timeouts for the web servers."""

from __future__ import annotations

import contextlib
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
"""Maximum seconds of each wait: for a connection, and for each reply of Postgres.

Three such waits together take less than 1 s.
"""
CONNECTIONS = 8
"""Maximum number of connections of a process.

Eight are enough, because the most frequent requests do not query Postgres.
"""


class Database:
    """A pool of connections to the database at `url`. A connection opens when it is first needed.

    `connect_timeout` is the maximum number of seconds to open a connection, or to wait for a free
    one. `timeout` is the maximum number of seconds to wait for each reply.
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
            max_overflow=0,  # opening one more takes longer than waiting for one of the pool
            pool_use_lifo=True,
            pool_timeout=connect_timeout,
            pool_pre_ping=True,
            use_native_hstore=False,  # otherwise each new connection sends a query about hstore
        )
        event.listen(self._engine, "checkin", _reset_timeout(timeout))
        # Close the connections when this object is garbage-collected.
        weakref.finalize(self, self._engine.dispose).atexit = False

    @property
    def url(self) -> str:
        return self._url

    def rows(
        self, query: sqlalchemy.Select[*tuple[Any, ...]], values: Mapping[str, Any] | None = None
    ) -> Sequence[sqlalchemy.Row[*tuple[Any, ...]]]:
        """Run `query` with `values` for its parameters, and return the rows.

        Raises Unavailable if Postgres does not answer in time.
        """
        with self.transaction() as connection:
            return connection.execute(query, values).all()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlalchemy.Connection]:
        """Provide a connection in a transaction. It is committed at the end, or rolled back on an error.

        Raises Unavailable if Postgres does not answer in time. Raises IntegrityError if a statement
        violates a constraint. Raises DataError if a statement contains an invalid value.
        """
        try:
            with self._engine.begin() as connection:
                _bounded(connection).set_transaction_timeout(self._timeout)
                yield connection
        except (IntegrityError, DataError):
            raise  # Postgres works, but the data is not valid
        except (OSError, DBAPIError, PoolTimeout, psycopg.OperationalError) as fault:
            raise Unavailable from fault

    def allow(self, connection: sqlalchemy.Connection, seconds: float) -> None:
        """Set the timeout of each further statement in this transaction to at least `seconds`.

        A long timeout is acceptable here: in this transaction Postgres has already answered.
        """
        _bounded(connection).set_transaction_timeout(max(seconds, self._timeout))

    def ping(self) -> None:
        """Raise Unavailable if Postgres does not answer. Opens a connection of its own."""
        try:
            with self._connect() as connection:
                connection.execute("SELECT 1")
        except (OSError, psycopg.Error) as fault:
            raise Unavailable from fault

    def close(self) -> None:
        """Close the connections of the pool. The next query opens a new connection.

        The connections are also closed when this object is garbage-collected.
        """
        self._engine.dispose()


def _reset_timeout(timeout: float) -> Callable[[Any, object], None]:
    """Return a hook that runs when a connection returns to the pool, and resets its timeout."""

    def reset(connection: Any, _record: object) -> None:
        if connection is not None:
            connection.timeout = timeout

    return reset


def _bounded(connection: sqlalchemy.Connection) -> BoundedConnection:
    """Return the psycopg connection that `connection` uses."""
    driver_connection: Any = connection.connection.dbapi_connection
    return cast(BoundedConnection, driver_connection)
