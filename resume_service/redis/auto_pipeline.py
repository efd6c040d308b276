"""Concurrent callers of a process share round trips to one Redis server (auto-pipelining).

A caller that finds no running round trip is the leader. It sends its own commands and those of
waiting callers in one round trip. A caller that arrives during a round trip is a follower: it waits
in a queue. After a round trip, the leader wakes the callers that took part. The newest caller in
the queue becomes the next leader.

Each caller has a deadline. A follower that is still in the queue at its deadline leaves the queue,
so its commands are never sent. The leader has the latest deadline of its round trip, because it is
the newest caller. So no other caller loses time when the leader ends the round trip.

Under load, many saves share the cost of sending, waiting and waking. Any thread or greenlet may call.
"""

from __future__ import annotations

import itertools
import threading
import time
from typing import Any

import hiredis
import redis

from resume_service.errors import Unavailable
from resume_service.redis.circuit_breaker import CircuitBreaker
from resume_service.redis.connection import Connection

Command = tuple[str | int, ...]

MAX_COMMANDS = 512
"""Maximum number of commands in a shared round trip, so that large replies delay no other caller."""
_PENDING = object()


class _Call:
    """The commands of one caller, and their outcome: a list of replies, or an exception to raise."""

    __slots__ = ("count", "deadline", "operation", "outcome", "packed", "wake_up", "writes")

    def __init__(
        self, operation: str, commands: tuple[Command, ...], deadline: float, *, writes: bool
    ) -> None:
        self.operation = operation
        self.packed = _packed(commands)  # encode here: only this caller gets an encoding error
        self.count = len(commands)
        self.deadline = deadline
        self.writes = writes
        self.outcome: Any = _PENDING
        self.wake_up: threading.Lock | None = None
        """A follower waits for this lock until its outcome is set, or until it is the next leader."""


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
        self._wait_command = _packed((("WAIT", wait_replicas, wait_ms),))
        self._state_lock = threading.Lock()
        """Protects the next three fields. No caller keeps this lock during a round trip."""
        self._waiting: list[_Call] = []
        """The queue of followers for the next round trip."""
        self._in_flight = False
        """True while a round trip runs, or while a new leader is about to start one."""
        self._next_leader: _Call | None = None
        """The follower that was last chosen as leader. It may still be waiting to run."""

    def call(
        self, operation: str, *commands: Command, deadline: float, writes: bool = False
    ) -> list[Any]:
        """Return the replies to `commands`. Metrics record them as `operation`.

        `deadline` is a value of `time.monotonic()`. Raises Unavailable at the deadline. Raises
        Unavailable if too few replicas have the write, or if Redis answers with a code in
        `circuit_breaker.REFUSALS`. Raises redis.ResponseError for any other error reply.
        """
        own = _Call(operation, commands, deadline, writes=writes)
        with self._state_lock:
            if self._in_flight:
                own.wake_up = threading.Lock()
                own.wake_up.acquire()
                self._waiting.append(own)
            self._in_flight = True
        if own.wake_up:
            self._wait_as_follower(own, own.wake_up)
        if own.outcome is _PENDING:
            self._lead(own)
        if isinstance(own.outcome, Exception):
            raise own.outcome
        replies: list[Any] = own.outcome
        return replies

    def _wait_as_follower(self, own: _Call, wake_up: threading.Lock) -> None:
        """Wait until the outcome of `own` is set, or until `own` is the next leader."""
        try:
            is_awake = wake_up.acquire(timeout=max(0.0, own.deadline - time.monotonic()))
        except BaseException:  # for example, this greenlet is killed
            self._cancel(own)
            raise
        if not is_awake:
            self._cancel(own)
            self._breaker.count_failures((own.operation,))
            raise Unavailable

    def _cancel(self, own: _Call) -> None:
        """Remove `own` from the queue. If `own` is the next leader, choose another leader."""
        with self._state_lock:
            self._waiting = [call for call in self._waiting if call is not own]
            is_next_leader = self._next_leader is own
        if is_next_leader:
            self._hand_over([own])

    def _lead(self, own: _Call) -> None:
        """Make one round trip for `own` and for the oldest calls in the queue."""
        with self._state_lock:
            calls = self._take_calls(own)
        try:
            self._breaker.call({call.operation for call in calls}, lambda: self._execute(calls))
        finally:
            self._hand_over(calls)

    def _take_calls(self, own: _Call) -> list[_Call]:
        """Remove `own` and the oldest calls from the queue. Return at most MAX_COMMANDS commands."""
        others = [call for call in self._waiting if call is not own]
        calls, commands, taken = [own], own.count, 0
        for call in others:
            commands += call.count
            if commands > MAX_COMMANDS:
                break
            calls.append(call)
            taken += 1
        self._waiting = others[taken:]
        return calls

    def _hand_over(self, calls: list[_Call]) -> None:
        """Choose the next leader. Wake the followers in `calls`, then the next leader.

        `calls[0]` needs no waking: it belongs to the caller of this method.
        """
        with self._state_lock:
            next_leader = self._next_leader = self._waiting[-1] if self._waiting else None
            self._in_flight = next_leader is not None
        for call in calls:
            if call.outcome is _PENDING:
                call.outcome = Unavailable()
            if call.wake_up and call is not calls[0]:
                call.wake_up.release()
        if next_leader and next_leader.wake_up:
            next_leader.wake_up.release()

    def _execute(self, calls: list[_Call]) -> None:
        """Make the round trip and set the outcome of each call."""
        must_wait = self._replicas > 0 and any(call.writes for call in calls)
        packed = [call.packed for call in calls]
        count = sum(call.count for call in calls)
        if must_wait:
            packed.append(self._wait_command)
            count += 1
        replies = self._round_trip(b"".join(packed), count, calls[0].deadline)
        too_few_replicas = must_wait and not self._has_enough_replicas(replies[-1])
        remaining = iter(replies)
        for call in calls:
            call.outcome = list(itertools.islice(remaining, call.count))
            errors = [reply for reply in call.outcome if isinstance(reply, redis.RedisError)]
            if errors:
                call.outcome = self._breaker.refused(call.operation, errors[0])
            elif too_few_replicas and call.writes:
                call.outcome = Unavailable("Not yet on enough replicas, try again")

    def _has_enough_replicas(self, reply: Any) -> bool:
        """Return whether the reply to WAIT is a number of replicas that is large enough.

        The reply is an error if the server has become a replica.
        """
        return isinstance(reply, int) and reply >= self._replicas

    def _round_trip(self, packed: bytes, count: int, deadline: float) -> list[Any]:
        try:
            return self._connection.round_trip(packed, count, deadline)
        except redis.ConnectionError:
            # Retry once: a restart of Redis closes the connection. None of our commands does harm
            # if it runs twice. A timeout is not retried: the deadline has passed.
            return self._connection.round_trip(packed, count, deadline)


def _packed(commands: tuple[Command, ...]) -> bytes:
    return b"".join(hiredis.pack_command(command) for command in commands)  # type: ignore[arg-type]  # the stub accepts only a tuple with one element
