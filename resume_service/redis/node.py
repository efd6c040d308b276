"""The connections of this process to one Redis server.

A large reply would delay the other callers of its connection. So calls with small replies share one
connection, and calls with replies of medium size share another. A call with a large reply uses a
connection of its own. If a medium or large reply is late, the circuit breaker of the small ones
stays closed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import redis

from resume_service.errors import Unavailable
from resume_service.redis.call import Call, Command, ReplySize
from resume_service.redis.circuit_breaker import CircuitBreaker
from resume_service.redis.operation import Blocking, Operation
from resume_service.redis.refusals import raise_first_error
from resume_service.redis.round_trip import NO_WAIT, ReplicaWait
from resume_service.redis.server_clock import TIME, ServerClock
from resume_service.redis.transaction import in_transaction, replies_in

MAX_LARGE_CALLS = 8
"""Maximum number of calls to one server that use a connection of their own at the same time."""
NewPipeline = Callable[[redis.Redis, CircuitBreaker, ReplicaWait], Any]
"""Returns a pipeline: it sends calls through one connection."""


class Node:
    """Chooses the connection of each call to the server of `client`."""

    def __init__(
        self, client: redis.Redis, new_pipeline: NewPipeline, wait: ReplicaWait = NO_WAIT
    ) -> None:
        self.clock = ServerClock()
        self._small = new_pipeline(client, CircuitBreaker(), wait)
        breaker = CircuitBreaker()
        self._medium = new_pipeline(client, breaker, wait)
        self._free_large = [new_pipeline(client, breaker, wait) for _ in range(MAX_LARGE_CALLS)]
        self._large_calls = threading.BoundedSemaphore(MAX_LARGE_CALLS)

    def send(self, call: Call) -> Operation[list[Any]]:
        """Return the replies to `call`. Raises the error of the first error reply.

        Raises Unavailable at the deadline of the call, or if the server does not answer.
        """
        replies: list[Any]
        if call.size is ReplySize.LARGE:
            replies = yield from self._send_large(call)
        else:
            call.pipeline = self._small if call.size is ReplySize.SMALL else self._medium
            replies = yield call
        raise_first_error(call.operation, replies)
        return replies

    def small(self, call: Call) -> Call:
        """Return `call`, on the connection for small replies. An operation yields it."""
        call.pipeline = self._small
        return call

    def exchange(self, call: Call) -> Operation[list[Any]]:
        """Return the small replies to `call`. An error reply is an element of the list.

        Raises Unavailable as `send` does.
        """
        replies: list[Any] = yield self.small(call)
        return replies

    def exchange_writes(
        self, operation: str, commands: Sequence[Command], deadline: float, *, transaction: bool
    ) -> Operation[list[Any]]:
        """Return the replies to commands that write, as `exchange` does.

        If `transaction` is true, they are one transaction, if Redis accepts it. The round trip may
        also ask for the time of the server: after the transaction, so that it can't refuse it.
        """
        sent = in_transaction(commands) if transaction else commands
        asked_at = self.clock.ask()
        if asked_at is not None:
            sent = (*sent, TIME)
        replies = yield from self.exchange(Call(operation, sent, deadline, writes=True))
        if asked_at is not None:
            *replies, server_time = replies
            self.clock.answered(asked_at, server_time)
        executed = replies_in(replies, len(commands)) if transaction else replies
        if executed is None:
            again = Call(operation, commands, deadline, writes=True)
            executed = yield from self.exchange(again)
        return executed

    def _send_large(self, call: Call) -> Operation[list[Any]]:
        if not self._large_calls.acquire(blocking=False):
            yield Blocking(lambda: self._wait_for_large(call.deadline))
        call.pipeline = pipeline = self._free_large.pop()
        try:
            replies: list[Any] = yield call
        finally:
            self._free_large.append(pipeline)
            self._large_calls.release()
        return replies

    def _wait_for_large(self, deadline: float) -> None:
        if not self._large_calls.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise Unavailable
