"""The one way to Redis: bounded in time, its failures turned into ours, each call measured.

A Redis that hangs would hold a thread of the server for REDIS_TIMEOUT_MS a request, and soon all
of them. So after a failure the gate stays shut: callers fail at once, while one of them at a time
finds out whether Redis is back.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from typing import TypeVar

import redis
import structlog
from redis.backoff import NoBackoff
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry

from resume_service import metrics
from resume_service.errors import Unavailable

SHUT_SECONDS = 0.25
MOST_CONNECTIONS = 1000
"""A process never opens more; far above the number of its threads."""

REFUSALS = "OOM|MISCONF|READONLY|BUSY|LOADING|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|NOREPLICAS|NOPERM"
"""Error codes by which a Redis in good order says that it can't serve just now."""
# A save without the password that Redis wants is answered as a protocol error.
_refusal = re.compile(rf"(^|-)({REFUSALS})\b|Protocol error: unauthenticated").search

T = TypeVar("T")
_log = structlog.get_logger(__name__)


def connect(url: str, timeout_ms: int) -> redis.Redis:
    """A client of the Redis at `url`; it connects on first use.

    One retry, and only of a lost connection (every command of ours can be repeated): after a
    restart the pool is full of dead ones. A time-out is not retried, so that the caller has its
    answer well within a second.
    """
    timeout = timeout_ms / 1000
    return redis.Redis.from_url(
        url,
        decode_responses=True,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
        max_connections=MOST_CONNECTIONS,
        protocol=2,  # no handshake: the first command is the first round trip
        driver_info=None,
        maint_notifications_config=MaintNotificationsConfig(enabled=False),
    )


class RedisGate:
    """Lets calls through to Redis, or fails at once with Unavailable while it is shut."""

    def __init__(self) -> None:
        self._shut_until: float | None = None
        self._probing = threading.Lock()

    def call(self, operation: str, command: Callable[[], T]) -> T:
        """The result of `command`, counted and timed as `operation`.

        Raises Unavailable when Redis does not answer in time or says that it can't serve.
        """
        shut_until = self._shut_until  # read once: another thread may open the gate meanwhile
        if shut_until is None:
            return self._attempt(operation, command)
        if time.monotonic() < shut_until or not self._probing.acquire(blocking=False):
            metrics.redis_failures.labels(operation).inc()
            raise Unavailable
        try:
            return self._attempt(operation, command)
        finally:
            self._probing.release()

    def _attempt(self, operation: str, command: Callable[[], T]) -> T:
        started = time.perf_counter()
        try:
            result = command()
        except (redis.ConnectionError, redis.TimeoutError, redis.InvalidResponse) as fault:
            metrics.redis_failures.labels(operation).inc()
            self._shut(fault)
            raise Unavailable from fault
        except redis.ResponseError as fault:
            if not _is_refusal(fault):
                raise
            metrics.redis_failures.labels(operation).inc()
            _log.warning("redis refused", operation=operation, fault=str(fault))
            raise Unavailable from fault
        finally:
            metrics.redis_commands.labels(operation).observe(time.perf_counter() - started)
        if self._shut_until is not None:
            self._shut_until = None
            _log.info("redis is back")
        return result

    def _shut(self, fault: Exception) -> None:
        if self._shut_until is None:
            _log.error("redis does not answer", fault=str(fault))
        self._shut_until = time.monotonic() + SHUT_SECONDS


def _is_refusal(fault: redis.ResponseError) -> bool:
    """Whether its code, taken off by redis-py or not, is one of REFUSALS.

    Redis before 7 puts what a script met behind words of its own: `ERR Error running script: -OOM`.
    """
    return _refusal(f"{fault.status_code or ''} {fault}".lstrip()) is not None
