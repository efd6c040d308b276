"""The web servers' way to Postgres: never waited for by a second."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import psycopg
import sqlalchemy
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from resume_service.errors import Unavailable
from resume_service.postgres.connections import BoundedConnection, connect

WAIT_SECONDS = 0.3
"""For a connection, and for each answer on it; both together and one more are below a second."""
CONNECTIONS = 8
"""Of a process at most: nothing that is polled asks Postgres."""
FRESH_SECONDS = 1.0
"""For which one probe answers for all that ask whether Postgres is there."""


class Database:
    """The database at `url`; it connects on use, and waits `patience` seconds for each answer."""

    def __init__(self, url: str, *, patience: float = WAIT_SECONDS) -> None:
        self._url = url
        self._patience = patience
        self._engine = sqlalchemy.create_engine(
            "postgresql+psycopg://",
            creator=self._connected,
            pool_size=2,
            max_overflow=CONNECTIONS - 2,
            pool_timeout=WAIT_SECONDS / 3,
            pool_pre_ping=True,
            use_native_hstore=False,  # or each new connection would ask for it
        )
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
                yield connection
        except IntegrityError:
            raise
        except (OSError, SQLAlchemyError) as fault:
            raise Unavailable from fault

    def ping(self) -> None:
        """Raises Unavailable unless Postgres answered within the last second or does so now."""
        with self._probing:
            if time.monotonic() >= self._probed_at + FRESH_SECONDS:
                self._answers = self._probe()
                self._probed_at = time.monotonic()
        if not self._answers:
            raise Unavailable

    def close(self) -> None:
        """Close what connections are kept; the next query makes new ones."""
        self._engine.dispose()

    def _probe(self) -> bool:
        try:
            with self._connected() as connection:
                connection.execute("SELECT 1")
        except (OSError, psycopg.Error):
            return False
        return True

    def _connected(self) -> BoundedConnection:
        return connect(self._url, within=WAIT_SECONDS, patience=self._patience)
