"""One connection to a Redis server, on gevent's event loop.

It checks that each reply belongs to its command: see `redis/replies.py`.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from typing import Any

import gevent
import redis

from resume_service.redis.attempt import Attempt
from resume_service.redis.replies import INCOMPLETE, Tags, check_tag, new_reader, stray_reply
from resume_service.server.redis_socket import RedisSocket

MAX_RECEIVES = 64
"""Maximum number of receives in one call of `receive_all`. They are enough for 4 MB."""


class RedisConnection:
    """A connection to the server of `client`. Call `open` before the first round trip.

    It calls `on_open` when it is open. It calls `on_replies` with the replies of a round trip. It
    calls `on_failure` with a redis.RedisError: then call `close`, and `open` before the next one.
    """

    def __init__(
        self,
        client: redis.Redis,
        on_open: Callable[[], None],
        on_replies: Callable[[list[Any]], None],
        on_failure: Callable[[Exception], None],
    ) -> None:
        self._pool = client.connection_pool
        # The object that has these methods refers to this one. Without a circle of references, the
        # connection to a former primary closes as soon as nothing uses it.
        self._on_open = weak(on_open)
        self._on_replies = weak(on_replies)
        self._on_failure = weak(on_failure)
        self._tags = Tags()
        self._attempt: Attempt | None = None
        self._socket: RedisSocket | None = None
        self._finalizer: Any = None
        self._reader = new_reader()
        self._replies: list[Any] = []
        self._count = 0
        """Number of replies of the round trip, with the tag. 0 if no round trip runs."""
        self._tag = ""

    @property
    def is_open(self) -> bool:
        return self._socket is not None

    def open(self) -> None:
        """Start to connect, or continue an attempt that runs."""
        if self._attempt is None or self._attempt.is_too_old():
            run_callback, ended = gevent.get_hub().loop.run_callback, weak(self._attempt_ended)
            self._attempt = Attempt(self._pool, functools.partial(run_callback, ended))
            gevent.spawn(self._attempt.run)

    def send(self, commands: bytes, count: int) -> None:
        """Start a round trip: send packed `commands`, to which Redis sends `count` replies.

        The connection must be open.
        """
        assert self._socket  # noqa: S101 - see above
        self._count = count + 1
        self._tag = self._tags.next()
        self._socket.send(commands + self._tags.command(self._tag))

    def receive_all(self) -> None:
        """Receive the rest of the replies, if they are here already."""
        for _ in range(MAX_RECEIVES):
            if not (self._socket and self._count and self._socket.receive()):
                break

    def close(self) -> None:
        """Close the connection. An attempt to connect continues."""
        self._count = 0
        if self._socket:
            self._finalizer.detach()
            self._socket.close()
            self._socket = None
            self._reader = new_reader()
            self._replies = []

    def _attempt_ended(self, attempt: Attempt) -> None:
        if attempt is not self._attempt:
            return  # a newer one has replaced it
        self._attempt = None
        try:
            connected = attempt.connection()
        except Exception as fault:  # noqa: BLE001 - DNS and TLS raise errors of their own
            self._fail(fault)
            return
        # The event loop refers to the socket. So the socket must not refer to this object.
        self._socket = RedisSocket(connected, weak(self._received), weak(self._fail))
        # Another thread may collect the garbage, but only the thread of the loop may close.
        close_soon = gevent.get_hub().loop.run_callback_threadsafe
        self._finalizer = weakref.finalize(self, close_soon, self._socket.close)
        self._finalizer.atexit = False
        self._on_open()

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


def weak(method: Any) -> Callable[..., None]:
    """Return a function that calls `method`, unless its object has been garbage-collected.

    A call takes 0.3 us less than with weakref.WeakMethod.
    """
    reference, function = weakref.ref(method.__self__), method.__func__

    def call(*args: Any) -> None:
        existing = reference()
        if existing is not None:
            function(existing, *args)

    return call
