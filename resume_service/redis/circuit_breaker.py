"""A circuit breaker for one Redis server: after a failure, further calls fail at once.

In this state, the circuit is called open. After OPEN_SECONDS, one call at a time probes the server,
and the other calls still fail at once. A probe that succeeds closes the circuit: all calls use the
server again. Without the circuit breaker, each call to a Redis that hangs would wait for
REDIS_TIMEOUT_MS. This module also maps the errors of redis-py and records metrics.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Collection

import redis
import structlog

from resume_service.errors import Unavailable
from resume_service.telemetry import metrics

OPEN_SECONDS = 0.25
"""Seconds after a failure during which all calls fail at once."""

REFUSALS = (
    "OOM|MISCONF|READONLY|BUSY|LOADING|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|NOREPLICAS|NOPERM|DENIED"
)
"""Codes of error replies that Redis sends when it runs, but can't execute commands now."""
# Redis replies to a save with this protocol error if the client has not sent the password.
_match_code = re.compile(r"[A-Z]{2,}").match
_refusal = re.compile(rf"(^|-)({REFUSALS})\b|Protocol error: unauthenticated").search

_log = structlog.get_logger(__name__)


class CircuitBreaker:
    """Runs round trips to Redis, or raises Unavailable at once while the circuit is open."""

    def __init__(self) -> None:
        self._open_until: float | None = None
        self._probing = threading.Lock()

    def call(self, operations: Collection[str], round_trip: Callable[[], None]) -> None:
        """Run `round_trip`. Metrics record its duration and failure once for each of `operations`.

        Raises Unavailable while the circuit is open. Raises Unavailable if the connection fails, or
        if Redis does not answer in time.
        """
        open_until = self._open_until  # read once: other threads may change it
        if open_until is None:
            self._attempt(operations, round_trip)
            return
        if time.monotonic() < open_until or not self._probing.acquire(blocking=False):
            self.count_failures(operations)
            raise Unavailable
        try:
            self._attempt(operations, round_trip)
        finally:
            self._probing.release()

    def count_failures(self, operations: Collection[str]) -> None:
        """Record one failure for each of `operations` in the metrics."""
        for operation in operations:
            metrics.redis_failures.labels(operation).inc()

    def refused(self, operation: str, fault: redis.RedisError) -> Exception:
        """Return Unavailable, caused by `fault`, if the code of the error reply is in REFUSALS.

        Otherwise return `fault` itself.
        """
        if not _is_refusal(fault):
            return fault
        self.count_failures((operation,))
        _log.warning("redis refused", operation=operation, fault=str(fault))
        refusal = Unavailable()
        refusal.__cause__ = fault
        return refusal

    def _attempt(self, operations: Collection[str], round_trip: Callable[[], None]) -> None:
        started = time.perf_counter()
        try:
            round_trip()
        except (redis.ConnectionError, redis.TimeoutError, redis.InvalidResponse) as fault:
            self.count_failures(operations)
            self._open(fault)
            raise Unavailable from fault
        finally:
            seconds = time.perf_counter() - started
            for operation in operations:
                metrics.observe_redis(operation, seconds)
        if self._open_until is not None:
            self._open_until = None
            _log.info("redis is back")

    def _open(self, fault: Exception) -> None:
        if self._open_until is None:
            _log.error("redis does not answer", fault=str(fault))
        self._open_until = time.monotonic() + OPEN_SECONDS


def _is_refusal(fault: redis.RedisError) -> bool:
    """Return whether the code of the error is in REFUSALS, or whether the error has no code.

    An error without a code does not come from Redis: the reply is garbled. redis-py may have
    removed the code from the message: then it is in `status_code`. Before version 7, Redis adds
    words before the error of a script: `ERR Error running script: -OOM`.
    """
    message = f"{getattr(fault, 'status_code', None) or ''} {fault}".lstrip()
    return _refusal(message) is not None or _match_code(message) is None
