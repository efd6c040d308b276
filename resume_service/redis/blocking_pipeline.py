"""Sends calls and blocks the calling thread: for threads of granian, the CLI and tests.

Concurrent callers share round trips to a server. A caller that finds no running round trip is the
leader. It sends its own commands and those of waiting callers in one round trip. A caller that
arrives during a round trip is a follower: it waits in a queue. After a round trip, the leader wakes
the callers that took part. The caller in the queue with the latest deadline becomes the next
leader. It is usually the newest one.

Each caller has a deadline. While the leader waits for replies, it ends the followers that have
reached theirs. The commands of a follower that ends in the queue are never sent. The round trip
ends at the deadline of its leader, or milliseconds later if a newer caller came before its start.
So no other caller loses time when the leader ends the round trip.
"""

from __future__ import annotations

import threading
import time
from operator import attrgetter
from typing import Any

import redis

from resume_service.errors import Unavailable
from resume_service.redis.call import PENDING, Call
from resume_service.redis.circuit_breaker import CircuitBreaker, count_failures
from resume_service.redis.connection import Connection
from resume_service.redis.round_trip import ReplicaWait, RoundTrip, take_calls


class BlockingPipeline:
    """Sends calls to the server of `client`. `breaker` is the circuit breaker of this server."""

    def __init__(self, client: redis.Redis, breaker: CircuitBreaker, wait: ReplicaWait) -> None:
        self._connection = Connection(client)
        self._breaker = breaker
        self._wait = wait
        self._state_lock = threading.Lock()
        """Protects the next three fields. No caller keeps this lock during a round trip."""
        self._waiting: list[Call] = []
        """The queue of followers for the next round trip."""
        self._in_flight = False
        """True while a round trip runs, or while a new leader is about to start one."""
        self._next_leader: Call | None = None
        """The follower that was last chosen as leader, until it starts its round trip."""
        self._wake_ups: dict[Call, threading.Lock] = {}
        """A follower waits for its lock until its call has an outcome, or it is the next leader.

        The caller that removes a lock from this dict releases it. So no lock is released twice.
        """

    def send(self, own: Call) -> list[Any]:
        """Return the replies to `own`. Raises Unavailable at its deadline, or without replies."""
        wake_up = None
        with self._state_lock:
            if self._in_flight:
                wake_up = self._wake_ups[own] = threading.Lock()
                wake_up.acquire()
                own.on_end = self._wake
                self._waiting.append(own)
            self._in_flight = True
        if wake_up:
            try:
                wake_up.acquire()
            except BaseException:  # for example, this thread is interrupted
                self._cancel(own)
                raise
        if own.outcome is PENDING:
            self._lead(own)
        if isinstance(own.outcome, Exception):
            raise own.outcome
        replies: list[Any] = own.outcome
        return replies

    def _wake(self, call: Call) -> None:
        """Wake the follower that waits for `call`. Does nothing if it is awake already."""
        if wake_up := self._wake_ups.pop(call, None):
            wake_up.release()

    def _cancel(self, own: Call) -> None:
        """Remove `own` from the queue. If `own` is the next leader, choose another leader."""
        with self._state_lock:
            self._waiting = [call for call in self._waiting if call is not own]
            self._wake_ups.pop(own, None)
            is_next_leader = self._next_leader is own
        if is_next_leader:
            self._hand_over()

    def _lead(self, own: Call) -> None:
        """Make one round trip for `own` and for the oldest calls in the queue."""
        calls = [own]
        try:
            with self._state_lock:
                self._next_leader = None
                self._waiting = [call for call in self._waiting if call is not own]
                calls = take_calls(self._waiting, own)
            self._make(RoundTrip(calls, self._wait))
        finally:
            for call in calls:
                call.end(Unavailable())  # unless it has an outcome: the round trip has failed
            self._hand_over()

    def _hand_over(self) -> None:
        """Choose the next leader and wake it: the call with the latest deadline."""
        with self._state_lock:
            next_leader = max(self._waiting, key=attrgetter("deadline"), default=None)
            self._next_leader = next_leader
            self._in_flight = next_leader is not None
        if next_leader:
            self._wake(next_leader)

    def _make(self, trip: RoundTrip) -> None:
        """Make the round trip. Leave calls without outcome if it fails.

        Retry once if the connection is lost: a restart of Redis closes it. None of our commands does
        harm if it runs twice. A timeout is not retried: the deadline has passed.
        """
        operations = trip.operations
        admission = self._breaker.admit()
        if admission is None:
            count_failures([call.operation for call in trip.calls])
            return
        try:
            try:
                self._round_trip(trip)
            except redis.ConnectionError:
                self._round_trip(trip.without_ended())
        except (redis.ConnectionError, redis.TimeoutError, redis.InvalidResponse) as fault:
            self._breaker.fail(operations, admission, fault)
        except BaseException:
            self._breaker.give_up(admission)
            raise
        else:
            self._breaker.succeed(operations, admission)

    def _round_trip(self, trip: RoundTrip) -> None:
        trip.end(
            self._connection.round_trip(
                trip.commands, trip.count, trip.deadline, lambda: self._end_late_followers(trip)
            )
        )

    def _end_late_followers(self, trip: RoundTrip) -> None:
        """End the followers in the queue and in `trip` that have reached their deadline."""
        now = time.monotonic()
        with self._state_lock:
            late = [call for call in self._waiting if call.deadline <= now]
            self._waiting = [call for call in self._waiting if call.deadline > now]
        for call in (*late, *trip.calls[1:]):
            if call.deadline <= now and call.outcome is PENDING:
                count_failures((call.operation,))
                call.end(Unavailable())
