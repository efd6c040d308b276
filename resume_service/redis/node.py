"""The connections of this process to one Redis server.

A large reply would delay the other callers of its connection. So calls with small replies share one
connection (`auto_pipeline`), and calls with replies of medium size share another. A call with a
large reply uses a connection of its own. If a medium or large reply is late, the circuit breaker of
the small ones stays closed.
"""

from __future__ import annotations

import queue
import time
from typing import Any

import redis

from resume_service.errors import Unavailable
from resume_service.redis.auto_pipeline import AutoPipeline
from resume_service.redis.call import Call, ReplySize
from resume_service.redis.circuit_breaker import CircuitBreaker

MAX_LARGE_CALLS = 8
"""Maximum number of calls to one server that use a connection of their own at the same time."""
DEFAULT_TIMEOUT = 5.0
"""Seconds until the deadline of a call, if the client has no timeout."""


class Node:
    """Sends commands to the server of `client`. See `AutoPipeline` for the other arguments."""

    def __init__(self, client: redis.Redis, *, wait_replicas: int = 0, wait_ms: int = 0) -> None:
        timeout = client.connection_pool.connection_kwargs.get("socket_timeout")
        self._timeout: float = timeout or DEFAULT_TIMEOUT

        def new_pipeline(breaker: CircuitBreaker) -> AutoPipeline:
            return AutoPipeline(client, breaker, wait_replicas=wait_replicas, wait_ms=wait_ms)

        self._small = new_pipeline(CircuitBreaker())
        breaker = CircuitBreaker()
        self._medium = new_pipeline(breaker)
        self._for_large_calls: queue.LifoQueue[AutoPipeline] = queue.LifoQueue()
        for _ in range(MAX_LARGE_CALLS):
            self._for_large_calls.put(new_pipeline(breaker))

    def deadline(self) -> float:
        """Return the deadline of a call that arrives now, as a value of `time.monotonic()`."""
        return time.monotonic() + self._timeout

    def send(self, call: Call) -> list[Any]:
        """Return the replies to the commands of `call`. Raises the errors of `AutoPipeline.send`."""
        if call.size is ReplySize.SMALL:
            return self._small.send(call)
        if call.size is ReplySize.MEDIUM:
            return self._medium.send(call)
        try:
            own = self._for_large_calls.get(timeout=max(0.0, call.deadline - time.monotonic()))
        except queue.Empty:
            raise Unavailable from None
        try:
            return own.send(call)
        finally:
            self._for_large_calls.put(own)
