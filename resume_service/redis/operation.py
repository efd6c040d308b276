"""Operations: code that needs Redis and does no I/O itself.

An operation is a generator. It yields one step after the other, and receives the result of each:

- `run` executes an operation in the calling thread or greenlet: in Flask, in the CLI and in tests.
- `server/callbacks.py` executes it in the event loop: in the fast lane.

So the same operations serve all of them. psycopg 3 is built in the same way, for the same reason.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from functools import partial
from typing import Any, NamedTuple, TypeVar

from resume_service.redis.call import Call

Result = TypeVar("Result")


class Blocking(NamedTuple):
    """A step that may block, such as a query in Postgres. Its result is the result of `function`."""

    function: Callable[[], Any]


PAUSE = Blocking(partial(time.sleep, 0))
"""A step between two pieces of computation: other requests of the process run. Result: None."""
Step = Call | Blocking
"""The result of a `Call` is the list of its replies. An error of a step is raised in the operation."""
Operation = Generator[Step, Any, Result]


def run(operation: Operation[Result]) -> Result:
    """Execute `operation` in the calling thread or greenlet, and return its result.

    Raises the error that it raises.
    """
    try:
        step = next(operation)
        while True:
            try:
                result = step.pipeline.send(step) if isinstance(step, Call) else step.function()
            except BaseException as error:  # noqa: BLE001 - the operation raises or handles it
                step = operation.throw(error)
            else:
                step = operation.send(result)
    except StopIteration as done:
        returned: Result = done.value
        return returned
