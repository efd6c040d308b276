"""A circuit breaker for one Redis server: after a failure, further calls fail at once.

In this state, the circuit is called open. After OPEN_SECONDS, one round trip at a time probes the
server, and the other calls still fail at once. A probe that succeeds closes the circuit: all calls
use the server again. Without the circuit breaker, each call to a Redis that hangs would wait for
REDIS_TIMEOUT_MS.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection

import structlog

from resume_service.telemetry import metrics

OPEN_SECONDS = 0.25
"""Seconds after a failure during which all calls fail at once."""

_log = structlog.get_logger(__name__)


class Admission:
    """The permission for one round trip, which starts now."""

    __slots__ = ("started",)

    def __init__(self) -> None:
        self.started = time.perf_counter()


class CircuitBreaker:
    """Admits round trips, or refuses them while the circuit is open. Any thread may use it.

    Round trips of several connections may run at the same time. After `admit` returns an admission,
    the caller must call `succeed`, `fail` or `give_up` with it.
    """

    def __init__(self) -> None:
        self._open_until: float | None = None
        self._probe: Admission | None = None
        """The running probe. Round trips from before the failure may end after its start."""
        self._probe_lock = threading.Lock()
        """Protects the choice of the probe."""

    @property
    def is_open(self) -> bool:
        return self._open_until is not None

    def admit(self) -> Admission | None:
        """Return an admission if a round trip may start now, else None."""
        if self._open_until is None:
            return Admission()
        with self._probe_lock:
            open_until = self._open_until  # read once: another thread may close the circuit
            if open_until is None:
                return Admission()
            if self._probe or time.monotonic() < open_until:
                return None
            self._probe = Admission()
            return self._probe

    def succeed(self, operations: Collection[str], admission: Admission) -> None:
        """Record a round trip, once for each of `operations`. Close the circuit."""
        _observe(operations, admission)
        if self._open_until is not None:
            self._open_until = None
            _log.info("redis is back")
        self.give_up(admission)

    def fail(self, operations: Collection[str], admission: Admission, fault: Exception) -> None:
        """Record a round trip without replies, because of `fault`. Open the circuit."""
        _observe(operations, admission)
        count_failures(operations)
        if self._open_until is None:
            _log.error("redis does not answer", fault=str(fault))
        self._open_until = time.monotonic() + OPEN_SECONDS
        self.give_up(admission)

    def give_up(self, admission: Admission) -> None:
        """End a round trip without a result. If it was the probe, another one may start."""
        if self._probe is admission:
            self._probe = None


def count_failures(operations: Collection[str]) -> None:
    """Record one failure for each of `operations` in the metrics."""
    for operation in operations:
        metrics.redis_failures.labels(operation).inc()


def _observe(operations: Collection[str], admission: Admission) -> None:
    seconds = time.perf_counter() - admission.started
    for operation in operations:
        metrics.observe_redis(operation, seconds)
