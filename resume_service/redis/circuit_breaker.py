"""A circuit breaker for one Redis server: after a failure, further calls fail at once.

In this state, the circuit is called open. After OPEN_SECONDS, one round trip at a time probes the
server, and the other calls still fail at once. A probe that succeeds closes the circuit: all calls
use the server again. Without the circuit breaker, each call to a Redis that hangs would wait for
REDIS_TIMEOUT_MS.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Collection

import structlog

from resume_service.telemetry import metrics

OPEN_SECONDS = 0.25
"""Seconds after a failure during which all calls fail at once."""

_log = structlog.get_logger(__name__)


class CircuitBreaker:
    """Admits round trips, or refuses them while the circuit is open.

    After `admit` returns True, the caller must call `succeed` or `fail`, or `give_up`.
    """

    def __init__(self) -> None:
        self._open_until: float | None = None
        self._probing = threading.Lock()

    @property
    def is_open(self) -> bool:
        return self._open_until is not None

    def admit(self) -> bool:
        """Return whether a round trip may start. While the circuit is open, it is a probe."""
        open_until = self._open_until  # read once: other threads may change it
        if open_until is None:
            return True
        return time.monotonic() >= open_until and self._probing.acquire(blocking=False)

    def succeed(self, operations: Collection[str], started: float) -> None:
        """Record a round trip, once for each of `operations`. Close the circuit.

        `started` is a value of `time.perf_counter()`.
        """
        _observe(operations, started)
        if self._open_until is not None:
            self._open_until = None
            self.give_up()
            _log.info("redis is back")

    def fail(self, operations: Collection[str], started: float, fault: Exception) -> None:
        """Record a round trip without replies, because of `fault`. Open the circuit."""
        _observe(operations, started)
        count_failures(operations)
        if self._open_until is None:
            _log.error("redis does not answer", fault=str(fault))
        self._open_until = time.monotonic() + OPEN_SECONDS
        self.give_up()

    def give_up(self) -> None:
        """End a probe without a result. Does nothing if no probe runs."""
        with contextlib.suppress(RuntimeError):  # the lock is not acquired
            self._probing.release()


def count_failures(operations: Collection[str]) -> None:
    """Record one failure for each of `operations` in the metrics."""
    for operation in operations:
        metrics.redis_failures.labels(operation).inc()


def _observe(operations: Collection[str], started: float) -> None:
    seconds = time.perf_counter() - started
    for operation in operations:
        metrics.observe_redis(operation, seconds)
