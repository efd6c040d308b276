"""Concurrent callers of a process share round trips to one Redis server (auto-pipelining).

A caller that finds no running round trip is the leader. It sends its own commands and those of
waiting callers in one round trip. A caller that arrives during a round trip is a follower: it waits
in a queue. After a round trip, the leader wakes the callers that took part. The newest caller in
the queue becomes the next leader.

Each caller has a deadline. While the leader waits for replies, it ends the followers that have
reached theirs. The commands of a follower that ends in the queue are never sent. The leader has the
latest deadline of its round trip, because it is the newest caller. So no other caller loses time
when the leader ends the round trip.

Under load, many saves share the cost of sending, waiting and waking. Any thread or greenlet may call.
"""

from __future__ import annotations

import itertools
import threading
import time
from typing import Any

import redis

from resume_service.errors import Unavailable
from resume_service.redis.call import PENDING, Call, packed
from resume_service.redis.circuit_breaker import CircuitBreaker
from resume_service.redis.connection import Connection

MIN_SECONDS = 0.1
"""Minimum seconds of a round trip, also if its leader had to wait because this process was busy."""
MAX_SIZE = 512
"""Maximum size of the replies of a shared round trip (see `ReplySize`)."""


class AutoPipeline:
    """Sends commands to the server of `client`.

    `breaker` is the circuit breaker of this server. If `wait_replicas` is above 0, each write waits
    until that number of replicas has it. The wait takes at most `wait_ms`.
    """

    def __init__(
        self,
        client: redis.Redis,
        breaker: CircuitBreaker,
        *,
        wait_replicas: int = 0,
        wait_ms: int = 0,
    ) -> None:
        self._connection = Connection(client)
        self._breaker = breaker
        self._replicas = wait_replicas
        self._wait_command = packed((("WAIT", wait_replicas, wait_ms),))
        self._state_lock = threading.Lock()
        """Protects the next three fields. No caller keeps this lock during a round trip."""
        self._waiting: list[Call] = []
        """The queue of followers for the next round trip."""
        self._in_flight = False
        """True while a round trip runs, or while a new leader is about to start one."""
        self._next_leader: Call | None = None
        """The follower that was last chosen as leader. It may still be waiting to run."""

    def send(self, own: Call) -> list[Any]:
        """Return the replies to the commands of `own`.

        Raises Unavailable at its deadline. Raises Unavailable if too few replicas have the write, or
        if Redis answers with a code in `circuit_breaker.REFUSALS`. Raises redis.ResponseError for
        any other error reply.
        """
        with self._state_lock:
            if self._in_flight:
                own.wake_up = threading.Lock()
                own.wake_up.acquire()
                self._waiting.append(own)
            self._in_flight = True
        if own.wake_up:
            try:
                own.wake_up.acquire()
            except BaseException:  # for example, this greenlet is killed
                self._cancel(own)
                raise
        if own.outcome is PENDING:
            self._lead(own)
        if isinstance(own.outcome, Exception):
            raise own.outcome
        replies: list[Any] = own.outcome
        return replies

    def _cancel(self, own: Call) -> None:
        """Remove `own` from the queue. If `own` is the next leader, choose another leader."""
        with self._state_lock:
            self._waiting = [call for call in self._waiting if call is not own]
            is_next_leader = self._next_leader is own
        if is_next_leader:
            self._hand_over([own])

    def _lead(self, own: Call) -> None:
        """Make one round trip for `own` and for the oldest calls in the queue."""
        with self._state_lock:
            calls = self._take_calls(own)
        try:
            self._breaker.call({call.operation for call in calls}, lambda: self._execute(calls))
        finally:
            self._hand_over(calls)

    def _take_calls(self, own: Call) -> list[Call]:
        """Remove `own` and the oldest calls from the queue, up to MAX_SIZE. Return them."""
        others = [call for call in self._waiting if call is not own]
        calls, size = [own], max(own.count, own.size)
        for call in others:
            size += max(call.count, call.size)
            if size > MAX_SIZE:
                break
            calls.append(call)
        self._waiting = others[len(calls) - 1 :]
        return calls

    def _hand_over(self, calls: list[Call]) -> None:
        """Choose the next leader and wake it. Before, end the followers in `calls` without outcome."""
        with self._state_lock:
            next_leader = self._next_leader = self._waiting[-1] if self._waiting else None
            self._in_flight = next_leader is not None
        for call in calls:
            call.end(Unavailable())  # if the round trip has failed
        if next_leader and next_leader.wake_up:
            # It is no follower any more, so its `end` must not release the lock again.
            wake_up, next_leader.wake_up = next_leader.wake_up, None
            wake_up.release()

    def _execute(self, calls: list[Call]) -> None:
        """Make the round trip and set the outcome of each call.

        Retry once if the connection is lost: a restart of Redis closes it. None of our commands does
        harm if it runs twice. A timeout is not retried: the deadline has passed.
        """
        deadline = max(calls[0].deadline, time.monotonic() + MIN_SECONDS)
        try:
            self._round_trip(calls, deadline)
        except redis.ConnectionError:
            # Send no command after its caller has got an error.
            self._round_trip([call for call in calls if call.outcome is PENDING], deadline)

    def _round_trip(self, calls: list[Call], deadline: float) -> None:
        must_wait = self._replicas > 0 and any(call.writes for call in calls)
        parts = [call.packed for call in calls]
        count = sum(call.count for call in calls)
        if must_wait:
            parts.append(self._wait_command)
            count += 1
        replies = self._connection.round_trip(
            b"".join(parts), count, deadline, lambda: self._end_late_followers(calls)
        )
        too_few_replicas = must_wait and not self._has_enough_replicas(replies[-1])
        remaining = iter(replies)
        for call in calls:
            outcome: Any = list(itertools.islice(remaining, call.count))
            errors = [reply for reply in outcome if isinstance(reply, redis.RedisError)]
            if errors:
                outcome = self._breaker.refused(call.operation, errors[0])
            elif too_few_replicas and call.writes:
                outcome = Unavailable("Not yet on enough replicas, try again")
            call.end(outcome)

    def _has_enough_replicas(self, reply: Any) -> bool:
        """Return whether the reply to WAIT is a number of replicas that is large enough.

        The reply is an error if the server has become a replica.
        """
        return isinstance(reply, int) and reply >= self._replicas

    def _end_late_followers(self, calls: list[Call]) -> None:
        """End the followers in the queue and in `calls` that have reached their deadline."""
        now = time.monotonic()
        with self._state_lock:
            late = [call for call in self._waiting if call.deadline <= now]
            self._waiting = [call for call in self._waiting if call.deadline > now]
        for call in (*late, *calls[1:]):
            if call.deadline <= now and call.outcome is PENDING:
                self._breaker.count_failures((call.operation,))
                call.end(Unavailable())
