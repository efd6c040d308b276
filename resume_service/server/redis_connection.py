"""One connection to a Redis server, on gevent's event loop.

It checks that each reply belongs to its command: see `redis/replies.py`.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import gevent
import redis

from resume_service.redis.attempt import Attempt
from resume_service.redis.replies import INCOMPLETE, Tags, check_tag, new_reader, stray_reply
from resume_service.server.redis_socket import PlainSocket, TlsSocket, open_socket


class RedisConnection:
    """A connection to the server of `client`. It opens before its first round trip.

    It calls `on_replies` with the replies of a round trip, or `on_failure` with a redis.RedisError.
    After an error, call `close` before the next round trip.
    """

    def __init__(
        self,
        client: redis.Redis,
        on_replies: Callable[[list[Any]], None],
        on_failure: Callable[[Exception], None],
    ) -> None:
        self._pool = client.connection_pool
        self._on_replies = on_replies
        self._on_failure = on_failure
        self._tags = Tags()
        self._attempt: Attempt | None = None
        self._socket: PlainSocket | TlsSocket | None = None
        self._finalizer: Any = None
        self._reader = new_reader()
        self._replies: list[Any] = []
        self._count = 0
        """Number of replies of the round trip, with the tag. 0 if no round trip runs."""
        self._unsent: tuple[bytes, int] | None = None
        """The round trip that waits for the connection to open."""
        self._tag = ""

    def send(self, commands: bytes, count: int) -> None:
        """Start a round trip: send packed `commands`, to which Redis sends `count` replies."""
        if self._socket is None:
            self._unsent = commands, count
            self._connect()
            return
        self._count = count + 1
        self._tag = self._tags.next()
        self._socket.send(commands + self._tags.command(self._tag))

    def receive_now(self) -> None:
        """Receive the bytes that are here, if any."""
        if self._socket:
            self._socket.receive_now()

    def close(self) -> None:
        """Close the connection. An attempt to connect continues for the next round trip."""
        self._unsent = None
        self._count = 0
        if self._socket:
            self._finalizer.detach()
            self._socket.close()
            self._socket = None
            self._reader = new_reader()
            self._replies = []

    def _connect(self) -> None:
        if self._attempt is None or self._attempt.is_too_old():
            gevent.spawn(self._start_attempt)

    def _start_attempt(self) -> None:
        """Start to connect. Blocks until the thread of the attempt has started."""
        run_callback, ended = gevent.get_hub().loop.run_callback, _weak(self._attempt_ended)
        self._attempt = Attempt(self._pool, lambda attempt: run_callback(ended, attempt))

    def _attempt_ended(self, attempt: Attempt) -> None:
        if attempt is not self._attempt:
            return
        self._attempt = None
        try:
            connected = attempt.connection()
        except Exception as fault:  # noqa: BLE001 - DNS and TLS raise errors of their own
            self._fail(fault)
            return
        # The event loop refers to the socket. So the socket must not refer to this object.
        self._socket = open_socket(connected, _weak(self._received), _weak(self._fail))
        self._finalizer = weakref.finalize(self, self._socket.close)
        self._finalizer.atexit = False
        if self._unsent:
            commands, count = self._unsent
            self._unsent = None
            self.send(commands, count)

    def _received(self, data: bytes) -> None:
        try:
            replies = self._read(data)
        except redis.RedisError as fault:
            self._on_failure(fault)
        except MemoryError:  # a garbled reply names a huge length
            self._on_failure(redis.InvalidResponse("A reply is too long"))
        else:
            if replies is not None:
                self._on_replies(replies)

    def _read(self, data: bytes) -> list[Any] | None:
        """Return all replies of the round trip, or None if some are missing."""
        if not self._count:
            raise stray_reply("before the commands")
        self._reader.feed(data)
        replies, next_reply = self._replies, self._reader.gets
        while len(replies) < self._count:
            reply = next_reply()
            if reply is INCOMPLETE:
                return None
            replies.append(reply)
        check_tag(replies.pop(), self._tag)
        if self._reader.has_data():
            raise stray_reply("after the replies")
        self._replies, self._count = [], 0
        return replies

    def _fail(self, fault: Exception) -> None:
        if not isinstance(fault, redis.RedisError):
            lost = redis.ConnectionError(f"Connection failed: {fault}")
            lost.__cause__ = fault
            fault = lost
        self._on_failure(fault)


def _weak(method: Callable[[Any], None]) -> Callable[[Any], None]:
    """Return a function that calls `method`, unless its object has been garbage-collected."""
    reference = weakref.WeakMethod(method)

    def call(value: Any) -> None:
        if existing := reference():
            existing(value)

    return call
