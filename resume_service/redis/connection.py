"""One connection to a Redis server. A reply belongs to its command, and a round trip has a deadline.

A reply does not name its command. So one extra reply would shift all later replies to other
callers. A duplicated reply and a late reply are such extra replies. These checks find them:

- The connection has no unread bytes before it sends.
- Each round trip ends with the command ECHO and a tag. The last reply must be this tag.
- No bytes remain after the last reply.

If a check fails, the connection closes, and no reply of the round trip is used.

The timeout of a socket restarts with each received byte. So before each wait, the timeout is set to
the time that is left until the deadline.
"""

from __future__ import annotations

import itertools
import secrets
import threading
import time
import weakref
from typing import Any

import hiredis
import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry

from resume_service.redis.link import (
    WAIT_SECONDS,
    InMemoryLink,
    Link,
    WhileWaiting,
    open_link,
    seconds_until,
)
from resume_service.telemetry import metrics

MAX_CONNECT_SECONDS = 5.0
"""Age of an attempt to connect from which a caller starts a new attempt."""
OPTIONS = {"protocol": 2, "encoding_errors": "replace", "retry": Retry(NoBackoff(), 0)}
"""Options of the connection, which replace those of the client.

With `protocol` 2 (RESP2), Redis returns a map as a flat list of keys and values. With `replace`, a
reply with invalid UTF-8 raises no error. So the other replies of the round trip stay usable. The
caller of a round trip decides about retries.
"""
_ECHO = b"*2\r\n$4\r\nECHO\r\n$16\r\n%b\r\n"
"""The packed command ECHO with a tag of 16 characters."""

_log = structlog.get_logger(__name__)


class StrayReply(redis.ConnectionError):
    """The connection had a reply that belongs to none of its commands. All replies are in doubt."""


class Connection:
    """A connection to the server of a client. It opens before its first round trip.

    Only one thread or greenlet at a time may use it. `has_echo` is false for a Sentinel, which does
    not know the command ECHO.
    """

    def __init__(self, client: redis.Redis, *, has_echo: bool = True) -> None:
        self._pool = client.connection_pool
        self._has_echo = has_echo
        self._attempt: _Attempt | None = None
        self._link: Link | InMemoryLink | None = None
        self._finalizer: Any = None
        self._tag_prefix = secrets.token_hex(4)
        self._tag_numbers = itertools.count()

    def round_trip(
        self, commands: bytes, count: int, deadline: float, while_waiting: WhileWaiting
    ) -> list[Any]:
        """Send packed `commands` and return their `count` replies. An error reply is not raised.

        `deadline` is a value of `time.monotonic()`. The round trip calls `while_waiting` about every
        WAIT_SECONDS while it waits for the connection or for replies. Raises redis.TimeoutError at the deadline.
        Raises StrayReply if the replies may belong to other commands. Raises redis.ConnectionError
        or redis.InvalidResponse if the connection fails. After an error, the connection is closed.
        """
        try:
            return self._round_trip(commands, count, deadline, while_waiting)
        except TimeoutError as fault:
            self.close()
            raise redis.TimeoutError("No reply within the deadline") from fault
        except OSError as fault:
            self.close()
            raise redis.ConnectionError(f"Connection failed: {fault}") from fault
        except MemoryError as fault:  # a garbled reply names a huge length
            self.close()
            raise redis.InvalidResponse("A reply is too long") from fault
        except BaseException:  # also GreenletExit: the next round trip must not read these replies
            self.close()
            raise

    def _round_trip(
        self, commands: bytes, count: int, deadline: float, while_waiting: WhileWaiting
    ) -> list[Any]:
        link = self._open_link(deadline, while_waiting)
        if not self._has_echo:
            link.send(commands, deadline)
            replies = link.receive(count, deadline, while_waiting)
        else:
            tag = f"{self._tag_prefix}{next(self._tag_numbers):08x}"
            link.send(commands + _ECHO % tag.encode(), deadline)
            *replies, last = link.receive(count + 1, deadline, while_waiting)
            if isinstance(last, redis.RedisError):  # Redis refuses all commands: it loads its data
                raise redis.ConnectionError(str(last))
            if last != tag:
                raise _stray_reply("among the replies")
        if link.has_leftover():
            raise _stray_reply("after the replies")
        return replies

    def close(self) -> None:
        """Close the connection. The next round trip opens a new one."""
        if self._link:
            self._finalizer.detach()
            self._link.close()
            self._link = None

    def _open_link(self, deadline: float, while_waiting: WhileWaiting) -> Link | InMemoryLink:
        if self._link and self._link.has_unread_bytes():
            is_closed_by_server = self._link.is_at_end()
            self.close()
            if not is_closed_by_server:
                _stray_reply("before the commands")
        if self._link is None:
            self._link = self._connect(deadline, while_waiting)
            # Close the connection when this object is garbage-collected.
            self._finalizer = weakref.finalize(self, self._link.close)
            self._finalizer.atexit = False
        return self._link

    def _connect(self, deadline: float, while_waiting: WhileWaiting) -> Link | InMemoryLink:
        """Connect in another thread: the DNS lookup and the TLS handshake have no deadline.

        After the deadline, the attempt continues. A later caller uses its connection.
        """
        attempt = self._attempt
        if attempt is None or attempt.is_too_old():
            attempt = self._attempt = _Attempt(self._pool)
        while not attempt.done.wait(min(WAIT_SECONDS, seconds_until(deadline))):
            while_waiting()
        self._attempt = None
        if attempt.fault:
            raise attempt.fault
        return open_link(attempt.connection)


def query(client: redis.Redis, *command: str, deadline: float, has_echo: bool = True) -> Any:
    """Send one command on a new connection, and return the reply. Raises redis.RedisError."""
    connection = Connection(client, has_echo=has_echo)
    packed = hiredis.pack_command(command)  # type: ignore[arg-type]  # the stub has one element
    try:
        [reply] = connection.round_trip(packed, 1, deadline, lambda: None)
    finally:
        connection.close()
    if isinstance(reply, redis.RedisError):
        raise reply
    return reply


class _Attempt:
    """An attempt to connect. `done` is set when it has ended. Then `fault` is its error, if any."""

    def __init__(self, pool: redis.ConnectionPool) -> None:
        # The connection does not come from the pool. The pool checks a connection before each use,
        # which costs time on each round trip.
        self.connection = pool.connection_class(**{**pool.connection_kwargs, **OPTIONS})
        self.fault: Exception | None = None
        self.done = threading.Event()
        self._started = time.monotonic()
        threading.Thread(target=self._connect, name="redis-connect", daemon=True).start()

    def is_too_old(self) -> bool:
        return time.monotonic() - self._started > MAX_CONNECT_SECONDS

    def _connect(self) -> None:
        try:
            self.connection.connect()
        except Exception as fault:  # noqa: BLE001 - the caller raises it
            self.fault = fault
        finally:
            self.done.set()


def _stray_reply(place: str) -> StrayReply:
    """Record a stray reply in the log and the metrics. Return the exception."""
    metrics.stray_replies.inc()
    _log.error("stray redis reply", place=place)
    return StrayReply("Redis sent a reply that belongs to no command")
