"""Sends calls to one Redis server through one connection, on gevent's event loop.

One round trip runs at a time. It has all calls that arrived since the previous one started: see
`redis/round_trip.py`. Nothing here blocks: a connection opens in another greenlet.
"""

from __future__ import annotations

import functools
import time
from typing import Any

import gevent
import redis
from gevent.hub import Waiter

from resume_service.errors import Unavailable
from resume_service.redis.call import PENDING, Call
from resume_service.redis.circuit_breaker import Admission, CircuitBreaker, count_failures
from resume_service.redis.round_trip import ReplicaWait, RoundTrip, take_calls
from resume_service.server.redis_connection import RedisConnection
from resume_service.server.turns import Turns


class RedisPipeline:
    """`breaker` is the circuit breaker of the server of `client`.

    The pipeline is in `busy` during a round trip. Otherwise the garbage collector could delete it
    with its calls: after a failover, only its own calls refer to the pipeline of the old primary.
    """

    def __init__(
        self,
        client: redis.Redis,
        breaker: CircuitBreaker,
        wait: ReplicaWait,
        turns: Turns,
        busy: set[RedisPipeline],
    ) -> None:
        self._connection = RedisConnection(client, self._opened, self._received, self._failed)
        self._breaker = breaker
        self._wait = wait
        self._turns = turns
        self._busy = busy
        self._run_callback = gevent.get_hub().loop.run_callback
        self._waiting: list[Call] = []
        self._is_start_scheduled = False
        self._trip: RoundTrip | None = None
        """The running round trip."""
        self._admission: Admission | None = None
        """The permission of the circuit breaker for the round trip."""
        self._can_retry = False

    def submit(self, call: Call) -> None:
        """Send `call` soon. Its `on_end` is called later, in the event loop. It must not raise."""
        self._waiting.append(call)
        # While a probe of the circuit breaker runs, other calls fail at once.
        if not self._is_start_scheduled and (self._trip is None or self._breaker.is_open):
            self._is_start_scheduled = True
            self._run_callback(self._start)  # after all requests that are readable now

    def send(self, call: Call) -> list[Any]:
        """Return the replies to `call`, for a greenlet of Flask. Raises Unavailable without them.

        The greenlet continues when it has a turn, because it may then need milliseconds.
        """
        waiter = Waiter()
        call.on_end = lambda _: self._turns.add(
            functools.partial(waiter.switch, None), is_first_step=True
        )
        self.submit(call)
        try:
            waiter.get()
        except BaseException:  # for example, this greenlet is killed
            self._cancel(call)
            raise
        if isinstance(call.outcome, Exception):
            raise call.outcome
        replies: list[Any] = call.outcome
        return replies

    def end_late_calls(self) -> None:
        """End the calls that have reached their deadline, and the round trip at its own."""
        if self._trip is None:
            return
        now = time.monotonic()
        if any(call.deadline <= now for call in (*self._trip.calls, *self._waiting)):
            self._connection.receive_all()  # this process may have been busy with other work
        if self._trip and self._trip.deadline <= now:
            self._failed(redis.TimeoutError("No reply within the deadline"))
        late = [call for call in self._waiting if call.deadline <= now]
        self._waiting = [call for call in self._waiting if call.deadline > now]
        in_trip = self._trip.calls if self._trip else ()
        late += [c for c in in_trip if c.deadline <= now and c.outcome is PENDING]
        _fail(late)

    def _cancel(self, call: Call) -> None:
        """Send `call` no more, and do nothing at its end."""
        self._waiting = [each for each in self._waiting if each is not call]
        call.on_end = None
        call.end(Unavailable())

    def _start(self) -> None:
        """Start a round trip, if none runs. Fail all calls while the circuit breaker refuses it."""
        self._is_start_scheduled = False
        if not self._waiting or (self._trip and not self._breaker.is_open):
            return
        admission = None if self._trip else self._breaker.admit()
        if admission is None:
            waiting, self._waiting = self._waiting, []
            _fail(waiting)
            return
        self._admission = admission
        self._can_retry = True
        self._busy.add(self)
        self._send(RoundTrip(take_calls(self._waiting), self._wait))

    def _send(self, trip: RoundTrip) -> None:
        self._trip = trip
        if self._connection.is_open:
            self._connection.send(trip.commands, trip.count)
        else:
            self._connection.open()

    def _opened(self) -> None:
        if self._trip:  # without the calls that have ended while they waited for the connection
            self._send(self._trip.without_ended())

    def _received(self, replies: list[Any]) -> None:
        """Give the calls of the round trip their replies."""
        trip, admission = self._trip, self._admission
        assert trip and admission  # noqa: S101, PT018 - the connection reports replies only then
        self._trip = None
        self._breaker.succeed(trip.operations, admission)
        trip.end(replies)
        self._start_next()

    def _failed(self, fault: Exception) -> None:
        """End the round trip without replies.

        Retry once if the connection is lost: a restart of Redis closes it. None of our commands does
        harm if it runs twice. A timeout is not retried: the deadline has passed.
        """
        self._connection.close()
        trip, admission = self._trip, self._admission
        if trip is None or admission is None:
            return
        if self._can_retry and isinstance(fault, redis.ConnectionError) and trip.has_pending():
            self._can_retry = False
            self._send(trip.without_ended())
            return
        self._trip = None
        self._breaker.fail(trip.operations, admission, fault)
        trip.fail()
        self._start_next()

    def _start_next(self) -> None:
        """Start the next round trip soon, if calls wait for it."""
        self._busy.discard(self)
        if self._waiting and not self._is_start_scheduled:
            self._is_start_scheduled = True
            self._run_callback(self._start)


class RedisPipelines:
    """All pipelines of this process."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._busy: set[RedisPipeline] = set()
        """The pipelines that have a round trip now."""

    def new(self, client: redis.Redis, breaker: CircuitBreaker, wait: ReplicaWait) -> RedisPipeline:
        return RedisPipeline(client, breaker, wait, self._turns, self._busy)

    def end_late_calls(self) -> None:
        """End the calls after their deadline. Call this every 50 ms: one timer is enough for all."""
        for pipeline in tuple(self._busy):
            pipeline.end_late_calls()


def _fail(calls: list[Call]) -> None:
    for call in calls:
        count_failures((call.operation,))
        call.end(Unavailable())
