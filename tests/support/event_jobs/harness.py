"""Callers of event pipelines. Import this module first: it patches the whole process.

A program that uses it prints the outcomes of its jobs as JSON.
"""

# ruff: noqa: E402 - nothing may be imported before the patch
from gevent import monkey

monkey.patch_all()

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import gevent
import redis
from gevent.event import AsyncResult

from resume_service.errors import Unavailable
from resume_service.redis import circuit_breaker
from resume_service.redis.call import Call, Command
from resume_service.redis.circuit_breaker import CircuitBreaker
from resume_service.redis.client import new_client
from resume_service.redis.operation import Operation
from resume_service.redis.round_trip import NO_WAIT, ReplicaWait
from resume_service.server.callbacks import Callbacks
from resume_service.server.redis_pipeline import RedisPipelines
from resume_service.server.turns import Turns
from resume_service.telemetry import logs

SECONDS = 10.0
"""Time for a call that must succeed."""
SHORT = 0.3
"""Time for a call that must fail."""

logs.configure("critical")
circuit_breaker.OPEN_SECONDS = 0  # a call after a failure is a probe
loop = gevent.get_hub().loop
pipelines = RedisPipelines(Turns())
_ticks = loop.timer(0.02, 0.02)
_ticks.start(pipelines.end_late_calls)


class EventPipeline:
    """A pipeline to the Redis at `url`. Its calls end after `seconds`, and return error replies."""

    def __init__(
        self,
        url: str,
        seconds: float = SECONDS,
        wait: ReplicaWait = NO_WAIT,
        breaker: CircuitBreaker | None = None,
    ) -> None:
        self.breaker = breaker or CircuitBreaker()
        self.pipeline = pipelines.new(new_client(url, seconds), self.breaker, wait)
        self.seconds = seconds

    def new_call(self, *commands: Command, seconds: float | None = None, **options: Any) -> Call:
        deadline = time.monotonic() + (seconds or self.seconds)
        call = Call("get", commands, deadline, **options)
        call.pipeline = self.pipeline
        return call

    def call(self, *commands: Command, seconds: float | None = None, **options: Any) -> list[Any]:
        """Block the calling greenlet, as a request of Flask does."""
        return self.pipeline.send(self.new_call(*commands, seconds=seconds, **options))

    def by_greenlet(
        self, *commands: Command, seconds: float | None = None, **options: Any
    ) -> gevent.Greenlet:
        def call() -> Any:
            try:
                return self.call(*commands, seconds=seconds, **options)
            except Exception as fault:  # noqa: BLE001 - the job looks at it
                return fault

        return gevent.spawn(call)

    def by_callback(
        self, *commands: Command, seconds: float | None = None, **options: Any
    ) -> AsyncResult:
        """Call as the fast lane does."""
        call = self.new_call(*commands, seconds=seconds, **options)

        def operation() -> Operation[list[Any]]:
            replies: list[Any] = yield call
            return replies

        return by_callbacks(operation())

    @property
    def is_blocked(self) -> bool:
        """Whether a round trip has been sent."""
        return self.pipeline._trip is not None and self.pipeline._connection.is_open

    @property
    def waiting(self) -> int:
        return len(self.pipeline._waiting)


def by_callbacks(operation: Operation[Any]) -> AsyncResult:
    """Execute `operation` by callbacks. Return its result, or its error as result."""
    result = AsyncResult()

    def guarded() -> Operation[Any]:
        try:
            return (yield from operation)
        except Exception as fault:  # noqa: BLE001 - the job looks at it
            return fault

    Callbacks(guarded(), "id", result.set)
    return result


def blocked(pipeline: EventPipeline, door: str = "door") -> AsyncResult:
    """Start a round trip that ends when the list `door` has an element."""
    result = pipeline.by_callback(("BLPOP", door, 0))
    until(lambda: pipeline.is_blocked)
    return result


def outcome_of(pending: Any) -> Any:
    """Return the first reply, or the name of what happened: "stuck" if the call never ended."""
    try:
        value = pending.get(timeout=SECONDS)
    except gevent.Timeout:
        return "stuck"
    if isinstance(value, gevent.GreenletExit):
        return "killed"
    if isinstance(value, Unavailable):
        return "unavailable"
    if isinstance(value, Exception):
        return repr(value)
    [first, *_] = value
    return f"error: {first}" if isinstance(first, redis.RedisError) else first


def outcomes_of(pending: list[Any]) -> list[Any]:
    return [outcome_of(each) for each in pending]


def until(condition: Callable[[], Any]) -> None:
    """Wait for `condition`. Raises RuntimeError if it does not come true."""
    limit = time.monotonic() + SECONDS
    while not condition():
        if time.monotonic() > limit:
            raise RuntimeError("the condition did not come true")
        gevent.sleep(0.002)


def main(*jobs: Callable[[], Any]) -> None:
    sys.stdout.write(json.dumps({job.__name__: job() for job in jobs}))
