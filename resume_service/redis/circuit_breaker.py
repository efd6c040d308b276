"""The one way to a Redis server: bounded in time, its failures turned into ours, each call measured.

A Redis that hangs would hold every caller for REDIS_TIMEOUT_MS. So after a failure the gate stays
shut: callers fail at once, while one of them at a time finds out whether Redis is back.
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

REFUSALS = "OOM|MISCONF|READONLY|BUSY|LOADING|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|NOREPLICAS|NOPERM"
"""Error codes by which a Redis in good order says that it can't serve just now."""
# A save without the password that Redis wants is answered as a protocol error.
_refusal = re.compile(rf"(^|-)({REFUSALS})\b|Protocol error: unauthenticated").search

_log = structlog.get_logger(__name__)


class CircuitBreaker:
    """Lets round trips through to Redis, or fails at once with Unavailable while it is shut."""

    def __init__(self) -> None:
        self._open_until: float | None = None
        self._probing = threading.Lock()

    def call(self, operations: Collection[str], round_trip: Callable[[], None]) -> None:
        """Make `round_trip`, counted and timed as each of `operations`.

        Raises Unavailable when Redis does not answer in time.
        """
        open_until = self._open_until  # read once: another thread may open the gate meanwhile
        if open_until is None:
            self._attempt(operations, round_trip)
            return
        if time.monotonic() < open_until or not self._probing.acquire(blocking=False):
            _count_failures(operations)
            raise Unavailable
        try:
            self._attempt(operations, round_trip)
        finally:
            self._probing.release()

    def refused(self, operation: str, fault: redis.ResponseError) -> Exception:
        """What to tell the caller whose command Redis answered with `fault`."""
        if not _is_refusal(fault):
            return fault
        _count_failures((operation,))
        _log.warning("redis refused", operation=operation, fault=str(fault))
        return Unavailable()

    def _attempt(self, operations: Collection[str], round_trip: Callable[[], None]) -> None:
        started = time.perf_counter()
        try:
            round_trip()
        except (redis.ConnectionError, redis.TimeoutError, redis.InvalidResponse) as fault:
            _count_failures(operations)
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


def _count_failures(operations: Collection[str]) -> None:
    for operation in operations:
        metrics.redis_failures.labels(operation).inc()


def _is_refusal(fault: redis.ResponseError) -> bool:
    """Whether its code, taken off by redis-py or not, is one of REFUSALS.

    Redis before 7 puts what a script met behind words of its own: `ERR Error running script: -OOM`.
    """
    return _refusal(f"{fault.status_code or ''} {fault}".lstrip()) is not None
