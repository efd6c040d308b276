"""One connection to a Redis server. It blocks its caller, at most until the deadline.

`replies.py` explains the checks of the replies. The timeout of a socket restarts with each received
byte. So before each wait, the timeout is set to the time that is left until the deadline.
"""

from __future__ import annotations

import weakref
from typing import Any

import hiredis
import redis

from resume_service.redis.attempt import Attempt
from resume_service.redis.link import (
    WAIT_SECONDS,
    InMemoryLink,
    Link,
    WhileWaiting,
    open_link,
    seconds_until,
)
from resume_service.redis.replies import Tags, check_tag, stray_reply


class Connection:
    """A connection to the server of a client. It opens before its first round trip.

    Only one thread or greenlet at a time may use it. `has_echo` is false for a Sentinel, which does
    not know the command ECHO.
    """

    def __init__(self, client: redis.Redis, *, has_echo: bool = True) -> None:
        self._pool = client.connection_pool
        self._has_echo = has_echo
        self._attempt: Attempt | None = None
        self._link: Link | InMemoryLink | None = None
        self._finalizer: Any = None
        self._tags = Tags()

    def round_trip(
        self, commands: bytes, count: int, deadline: float, while_waiting: WhileWaiting
    ) -> list[Any]:
        """Send packed `commands` and return their `count` replies. An error reply is not raised.

        `deadline` is a value of `time.monotonic()`. The round trip calls `while_waiting` about every
        WAIT_SECONDS while it waits for the connection or for replies. Raises redis.TimeoutError at
        the deadline. Raises StrayReply if the replies may belong to other commands. Raises
        redis.ConnectionError or redis.InvalidResponse if the connection fails. After an error, the
        connection is closed.
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
            tag = self._tags.next()
            link.send(commands + self._tags.command(tag), deadline)
            *replies, last = link.receive(count + 1, deadline, while_waiting)
            check_tag(last, tag)
        if link.has_leftover():
            raise stray_reply("after the replies")
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
                stray_reply("before the commands")
        if self._link is None:
            self._link = self._connect(deadline, while_waiting)
            # Close the connection when this object is garbage-collected.
            self._finalizer = weakref.finalize(self, self._link.close)
            self._finalizer.atexit = False
        return self._link

    def _connect(self, deadline: float, while_waiting: WhileWaiting) -> Link | InMemoryLink:
        """Wait for the attempt of an earlier caller, or for a new one."""
        attempt = self._attempt
        if attempt is None or attempt.is_too_old():
            attempt = self._attempt = Attempt(self._pool)
            attempt.start()
        while not attempt.wait(min(WAIT_SECONDS, seconds_until(deadline))):
            while_waiting()
        self._attempt = None
        return open_link(attempt.connection())


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
