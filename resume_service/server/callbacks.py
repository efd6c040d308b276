"""Executes operations in gevent's event loop, by callbacks.

The fast lane has no greenlets: a greenlet for each connection would cost more than all other steps
of a save. The requests of Flask run in greenlets, and use the same pipelines. So a process has one
Redis client.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent
import structlog

from resume_service.redis.call import Call
from resume_service.redis.operation import Operation
from resume_service.telemetry import logs

NO_REQUEST = "live"
"""The request id in the log lines of an operation for live streams."""

_log = structlog.get_logger(__name__)


class Callbacks:
    """Executes one operation by callbacks, then calls `on_end` with its result.

    `on_end` gets None if the operation raises an error. It must not raise an error itself: that
    would keep the other calls of a round trip from their replies. All log lines contain
    `request_id`.
    """

    __slots__ = ("_on_end", "_operation", "_request_id")

    def __init__(
        self, operation: Operation[Any], request_id: str, on_end: Callable[[Any], None]
    ) -> None:
        self._operation = operation
        self._request_id = request_id
        self._on_end = on_end
        self._resume(operation.send, None)

    def _resume(self, resume: Callable[[Any], Any], value: Any) -> None:
        """Continue the operation until its next step."""
        logs.request_id.set(self._request_id)
        try:
            step = resume(value)
        except StopIteration as done:
            self._end(done.value)
        except Exception as fault:  # noqa: BLE001 - an error must not reach the event loop
            _log.error("operation failed", exc_info=fault)
            self._end(None)
        else:
            logs.request_id.set(None)
            if isinstance(step, Call):
                step.on_end = self._call_ended
                step.pipeline.submit(step)
            else:
                gevent.spawn(self._run_blocking, step.function)

    def _end(self, result: Any) -> None:
        logs.request_id.set(None)
        self._on_end(result)

    def _call_ended(self, call: Call) -> None:
        outcome = call.outcome
        if isinstance(outcome, list):
            self._resume(self._operation.send, outcome)
        else:
            self._resume(self._operation.throw, outcome)

    def _run_blocking(self, function: Callable[[], Any]) -> None:
        """Run a step that may block, in a greenlet. Then continue in the event loop."""
        logs.request_id.set(self._request_id)
        resume: Callable[[Any], Any] = self._operation.send
        try:
            result = function()
        except Exception as fault:  # noqa: BLE001 - the operation raises or handles it
            resume, result = self._operation.throw, fault
        gevent.get_hub().loop.run_callback(self._resume, resume, result)


def execute_in_loop(operation: Operation[Any], on_end: Callable[[Any], None]) -> None:
    """Execute an operation that no request waits for. See `Callbacks`."""
    Callbacks(operation, NO_REQUEST, on_end)
