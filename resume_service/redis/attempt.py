"""Connects to a Redis server in a thread or greenlet of its own: DNS lookup and TLS have no deadline.

After the deadline of its caller, an attempt continues. A later caller uses its connection.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

MAX_CONNECT_SECONDS = 5.0
"""Age of an attempt to connect from which a caller starts a new attempt."""
OPTIONS = {"protocol": 2, "encoding_errors": "replace", "retry": Retry(NoBackoff(), 0)}
"""Options of the connection, which replace those of the client.

With `protocol` 2 (RESP2), Redis returns a map as a flat list of keys and values. With `replace`, a
reply with invalid UTF-8 raises no error. So the other replies of the round trip stay usable. The
caller of a round trip decides about retries.
"""


class Attempt:
    """An attempt to connect to the server of `pool`. Call `start`, or `run` in a greenlet.

    `on_end` is called when the attempt has ended, in its thread or greenlet.
    """

    def __init__(
        self, pool: redis.ConnectionPool, on_end: Callable[[Attempt], None] | None = None
    ) -> None:
        # The connection does not come from the pool. The pool checks a connection before each use,
        # which costs time on each round trip.
        self._connection = pool.connection_class(**{**pool.connection_kwargs, **OPTIONS})
        self._fault: Exception | None = redis.ConnectionError(
            "The attempt to connect has no result"
        )
        self._on_end = on_end
        self._ended = threading.Event()
        self._started = time.monotonic()

    def start(self) -> None:
        """Connect in a new thread."""
        threading.Thread(target=self.run, name="redis-connect", daemon=True).start()

    def is_too_old(self) -> bool:
        """Return whether a new attempt must replace this one, because it may never end."""
        return time.monotonic() - self._started > MAX_CONNECT_SECONDS

    def wait(self, seconds: float) -> bool:
        """Wait until the attempt has ended, or for `seconds`. Return whether it has ended."""
        return self._ended.wait(seconds)

    def connection(self) -> Any:
        """Return the open connection of redis-py. Raises the error of the attempt.

        Call this method only after the end of the attempt.
        """
        if self._fault:
            raise self._fault
        return self._connection

    def run(self) -> None:
        """Connect. Blocks until the attempt has ended."""
        try:
            self._connection.connect()
            self._fault = None
        except Exception as fault:  # noqa: BLE001 - `connection` raises it
            self._fault = fault
        finally:
            self._ended.set()
            if self._on_end:
                self._on_end(self)
