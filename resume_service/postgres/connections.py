"""Connections to Postgres with a timeout for every wait, in threads and in greenlets.

libpq, the C library that psycopg uses, has only timeouts of whole seconds, and at least two. So this
module uses two functions of psycopg with shorter timeouts: `wait_conn` waits for a connection, and
`wait_poll` for a reply. For greenlets, `gunicorn.conf.py` replaces the functions of `select` before
psycopg is imported. At each call, `wait_poll` uses the current `select.poll`: docs/adr/0027.
"""

from __future__ import annotations

import contextlib
import socket
from typing import Any

import psycopg
from psycopg import generators, waiting
from psycopg.conninfo import conninfo_to_dict, make_conninfo

_SHARE_OF_TIMEOUT = 0.9
"""The `statement_timeout` of Postgres, as a share of our timeout.

So Postgres cancels a statement before we stop waiting for the reply.
"""
_TRANSACTION_SETTINGS = """
    SELECT set_config('statement_timeout', %s, true), set_config('TimeZone', 'UTC', true),
           set_config('idle_in_transaction_session_timeout', '30s', true),
           set_config('jit', 'off', true)
"""
"""The SQL that sets the timeouts and the time zone of a transaction.

If a process hangs inside a transaction, the third setting ends its session and releases its locks.
To compile a statement (JIT) takes longer than the statements of a request.
"""
_POLL_INTERVAL = 0.1
"""Seconds between two checks of the timeout during a wait."""


class BoundedConnection(psycopg.Connection[Any]):
    """A connection that closes if a reply takes longer than `timeout` seconds.

    The waiting call then raises psycopg.OperationalError.
    """

    timeout = 1.0

    def set_transaction_timeout(self, seconds: float) -> None:
        """Set the timeout of each reply in this transaction. Raises psycopg.Error.

        Postgres cancels a statement that takes too long. Otherwise the statement would continue
        after we have stopped waiting for the reply. The time zone is UTC, because psycopg can't read
        times at the end of the calendar in other zones. The settings in Postgres end with the
        transaction. So they also work through a connection pooler such as PgBouncer.
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

    `within` is the maximum number of seconds to connect. The DNS lookup is not included. `timeout`
    is the maximum number of seconds to wait for each reply on the new connection.
    """
    with contextlib.closing(generators.connect(_resolved(url))) as connecting:
        try:
            pgconn = waiting.wait_conn(connecting, _POLL_INTERVAL, within)
        except psycopg.errors._WaitTimeout as error:  # noqa: SLF001 - psycopg raises this private class
            raise psycopg.OperationalError(f"not connected within {within} s") from error
    connection = BoundedConnection(pgconn)
    connection.timeout = timeout
    connection.prepare_threshold = None  # a connection pooler may not support prepared statements
    return connection


def _resolved(url: str) -> str:
    """Return `url` with the IP address of its host.

    Otherwise libpq would look up the host name, and this lookup would block all greenlets.
    """
    params = {"application_name": "resume-service"} | conninfo_to_dict(url)
    params["client_encoding"] = "UTF8"
    host = str(params.get("host") or "")
    if host and not host.startswith(("/", "@")) and "," not in host and "hostaddr" not in params:
        params["hostaddr"] = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0]
    return make_conninfo("", **params)
