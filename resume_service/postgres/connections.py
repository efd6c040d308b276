"""Connections to Postgres on which no wait is without a bound, in threads and greenlets alike.

libpq's own time-outs come in whole seconds, two at least, and psycopg decides when it is imported
how it waits, which is before gunicorn's worker makes the process cooperative. So the waiting is
done here, by the `select.poll` of the moment: docs/adr/0027.
"""

from __future__ import annotations

import contextlib
import select
import socket
import time
from collections.abc import Generator
from typing import Any

import psycopg
from psycopg import generators, waiting
from psycopg.conninfo import conninfo_to_dict, make_conninfo

_EVENTS = {
    waiting.WAIT_R: select.POLLIN,
    waiting.WAIT_W: select.POLLOUT,
    waiting.WAIT_RW: select.POLLIN | select.POLLOUT,
}
_SHARE_OF_TIMEOUT = 0.9
_BOUNDS = """
    SELECT set_config('statement_timeout', %s, true), set_config('TimeZone', 'UTC', true),
           set_config('idle_in_transaction_session_timeout', '30s', true)
"""
"""The last one is for a process that stands still: it must not hold its locks for good."""
_INTERVAL = 0.1
"""Seconds after which a wait looks whether it is over."""


class BoundedConnection(psycopg.Connection[Any]):
    """A connection that fails, and closes, when an answer takes longer than `timeout` seconds."""

    timeout = 1.0

    def bound_transaction(self, seconds: float) -> None:
        """Begin a transaction with `seconds` for each answer, which Postgres gives up before we do.

        Else a statement would run on with nobody waiting. Times come in UTC: in another zone those
        at the ends of the calendar could not be read. For this transaction alone, so that it also
        holds for a pool of connections that stands between. Raises psycopg.Error.
        """
        self.timeout = seconds
        self.execute(_BOUNDS, [str(int(seconds * 1000 * _SHARE_OF_TIMEOUT))])

    def wait(self, gen: Any, interval: float = _INTERVAL, timeout: float | None = None) -> Any:
        bound = self.timeout if timeout is None else timeout
        try:
            return waiting.wait_poll(gen, self.pgconn.socket, interval, bound)
        except psycopg.errors._WaitTimeout as late:  # noqa: SLF001 - the name it is raised by
            self.close()
            raise psycopg.OperationalError(f"no answer within {bound} s") from late


def connect(url: str, *, within: float, timeout: float) -> BoundedConnection:
    """A connection to the Postgres at `url`. Raises psycopg.OperationalError or OSError.

    It takes `within` seconds at most, but for the time that a name server takes, and answers to
    what is asked on it `timeout` at most.
    """
    connecting = generators.connect(_resolved(url))
    made = BoundedConnection(_wait_for(connecting, within))
    made.timeout = timeout
    made.prepare_threshold = (
        None  # a pool of connections that stands between may know no such names
    )
    return made


def _resolved(url: str) -> str:
    """`url` with the address of its host: libpq itself would hold up every greenlet to ask."""
    given = {"application_name": "resume-service"} | conninfo_to_dict(url)
    given["client_encoding"] = "UTF8"
    host = str(given.get("host") or "")
    if host and not host.startswith(("/", "@")) and "," not in host and "hostaddr" not in given:
        given["hostaddr"] = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0]
    return make_conninfo("", **given)


def _wait_for(connecting: Generator[Any, Any, Any], seconds: float) -> Any:
    deadline = time.monotonic() + seconds
    with contextlib.closing(connecting):
        try:
            waits_on, wanted = next(connecting)
            while (left := deadline - time.monotonic()) > 0:
                poll = select.poll()
                poll.register(waits_on, _EVENTS[wanted])
                if events := poll.poll(left * 1000):
                    waits_on, wanted = connecting.send(_ready(events[0][1]))
        except StopIteration as made:
            return made.value
    raise psycopg.OperationalError(f"not connected within {seconds} s")


def _ready(event: int) -> waiting.Ready:
    # An error or a hang-up is for libpq to read.
    readable = event & (select.POLLIN | select.POLLERR | select.POLLHUP)
    ready = (waiting.READY_R if readable else 0) | (
        waiting.READY_W if event & select.POLLOUT else 0
    )
    return waiting.Ready(ready)
