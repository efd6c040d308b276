"""Connections to Postgres with a timeout for every wait, in threads and in greenlets.

libpq's own timeouts are whole seconds, and at least two. So this module waits itself. Each reply
uses psycopg's `wait_poll`, which looks up `select.poll` at each call. A connection uses
`wait_conn`. `gunicorn.conf.py` patches `select` before psycopg is imported: docs/adr/0027.
"""

from __future__ import annotations

import contextlib
import socket
from typing import Any

import psycopg
from psycopg import generators, waiting
from psycopg.conninfo import conninfo_to_dict, make_conninfo

_SHARE_OF_TIMEOUT = 0.9
"""Postgres cancels a statement after this share of our timeout, so before we stop waiting."""
_TRANSACTION_SETTINGS = """
    SELECT set_config('statement_timeout', %s, true), set_config('TimeZone', 'UTC', true),
           set_config('idle_in_transaction_session_timeout', '30s', true)
"""
"""The last setting releases the locks of a process that hangs inside a transaction."""
_POLL_INTERVAL = 0.1
"""Seconds after which a wait checks its timeout again."""


class BoundedConnection(psycopg.Connection[Any]):
    """A connection that closes and raises if a reply takes longer than `timeout` seconds."""

    timeout = 1.0

    def set_transaction_timeout(self, seconds: float) -> None:
        """Set the timeout of each reply in this transaction. Raises psycopg.Error.

        Postgres cancels a late statement, so that no abandoned statement runs on. The time zone is
        UTC: psycopg can't read times at the end of the calendar in other zones. The settings in
        Postgres end with the transaction, so they also work through a connection pooler.
        """
        self.timeout = seconds
        self.execute(_TRANSACTION_SETTINGS, [str(int(seconds * 1000 * _SHARE_OF_TIMEOUT))])

    def wait(self, gen: Any, interval: float = _POLL_INTERVAL, timeout: float | None = None) -> Any:
        seconds = self.timeout if timeout is None else timeout
        try:
            return waiting.wait_poll(gen, self.pgconn.socket, interval, seconds)
        except psycopg.errors._WaitTimeout as error:  # noqa: SLF001 - psycopg raises this private class
            self.close()
            raise psycopg.OperationalError(f"no answer within {seconds} s") from error


def connect(url: str, *, within: float, timeout: float) -> BoundedConnection:
    """Connect to the Postgres at `url`. Raises psycopg.OperationalError or OSError.

    `within` limits the seconds to connect, without the DNS lookup. `timeout` limits the seconds of
    each later reply.
    """
    with contextlib.closing(generators.connect(_resolved(url))) as connecting:
        try:
            pgconn = waiting.wait_conn(connecting, _POLL_INTERVAL, within)
        except psycopg.errors._WaitTimeout as error:  # noqa: SLF001 - psycopg raises this private class
            raise psycopg.OperationalError(f"not connected within {within} s") from error
    connection = BoundedConnection(pgconn)
    connection.timeout = timeout
    connection.prepare_threshold = None  # a connection pooler may not know prepared statements
    return connection


def _resolved(url: str) -> str:
    """Return `url` with the IP address of its host. A DNS lookup by libpq blocks all greenlets."""
    params = {"application_name": "resume-service"} | conninfo_to_dict(url)
    params["client_encoding"] = "UTF8"
    host = str(params.get("host") or "")
    if host and not host.startswith(("/", "@")) and "," not in host and "hostaddr" not in params:
        params["hostaddr"] = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0]
    return make_conninfo("", **params)
