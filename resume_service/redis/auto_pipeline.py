"""Concurrent callers of a process share round trips to one Redis server (auto-pipelining).

A caller that finds no running round trip is the leader. It sends its own commands and those of all
waiting callers in one round trip. A caller that arrives during a round trip is a follower: it waits
in a queue. After a round trip, the leader wakes the callers that took part. The first caller in the
queue becomes the next leader.

Under load, many saves share the cost of sending, waiting and waking. When only one call runs,
sharing adds no waiting time. Any thread or greenlet may call.
"""

from __future__ import annotations

import itertools
import threading
import weakref
from typing import Any

import hiredis
import redis

from resume_service.errors import Unavailable
from resume_service.redis.circuit_breaker import CircuitBreaker

Command = tuple[str | int, ...]

CONNECTION_OPTIONS = {"protocol": 2, "encoding_errors": "replace"}
"""Options of the connection, in addition to those of the client.

With `protocol` 2 (RESP2), Redis returns a map as a flat list of keys and values. With `replace`, a
reply with invalid UTF-8 raises no error. So the other callers of the round trip get their replies.
"""
_PENDING = object()


class _Call:
    """The commands of one caller, and their outcome: a list of replies, or an exception to raise."""

    __slots__ = ("count", "operation", "outcome", "packed", "wake_up", "writes")

    def __init__(self, operation: str, commands: tuple[Command, ...], *, writes: bool) -> None:
        self.operation = operation
        self.packed = _packed(commands)  # encode here: only this caller gets an encoding error
        self.count = len(commands)
        self.writes = writes
        self.outcome: Any = _PENDING
        self.wake_up: threading.Lock | None = None
        """A follower waits for this lock until its outcome is set, or until it is the next leader."""


class AutoPipeline:
    """Sends commands to the server of `client`.

    If `wait_replicas` is above 0, each write waits until that number of replicas has it. The wait
    takes at most `wait_ms`.
    """

    def __init__(self, client: redis.Redis, *, wait_replicas: int = 0, wait_ms: int = 0) -> None:
        self._pool = client.connection_pool
        self._breaker = CircuitBreaker()
        self._replicas = wait_replicas
        self._wait_command = _packed((("WAIT", wait_replicas, wait_ms),))
        self._connection: Any = None
        self._state_lock = threading.Lock()
        """Protects the next three fields. No caller keeps this lock during a round trip."""
        self._waiting: list[_Call] = []
        """The queue of followers for the next round trip."""
        self._in_flight = False
        """True while a round trip runs, or while a new leader is about to start one."""
        self._next_leader: _Call | None = None
        """The follower that was last chosen as leader. It may still be waiting to run."""

    def call(self, operation: str, *commands: Command, writes: bool = False) -> list[Any]:
        """Return the replies to `commands`. Metrics record them as `operation`.

        Raises Unavailable if Redis does not answer in time, or too few replicas have the write.
        Raises Unavailable if Redis answers with a code in `circuit_breaker.REFUSALS`. Raises
        redis.ResponseError for any other error reply.
        """
        own = _Call(operation, commands, writes=writes)
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
        if own.outcome is _PENDING:
            self._lead(own)
        if isinstance(own.outcome, Exception):
            raise own.outcome
        replies: list[Any] = own.outcome
        return replies

    def _cancel(self, own: _Call) -> None:
        """Remove `own` from the queue. If `own` is the next leader, choose another leader."""
        with self._state_lock:
            self._waiting = [call for call in self._waiting if call is not own]
            is_next_leader = self._next_leader is own
        if is_next_leader:
            self._hand_over([own])

    def _lead(self, own: _Call) -> None:
        """Make one round trip for `own` and for all calls in the queue."""
        with self._state_lock:
            calls = [own, *(call for call in self._waiting if call is not own)]
            self._waiting = []
        try:
            self._breaker.call({call.operation for call in calls}, lambda: self._execute(calls))
        finally:
            self._hand_over(calls)

    def _hand_over(self, calls: list[_Call]) -> None:
        """Choose the next leader. Wake the followers in `calls`, then the next leader.

        `calls[0]` needs no waking: it belongs to the caller of this method.
        """
        with self._state_lock:
            next_leader = self._next_leader = self._waiting[0] if self._waiting else None
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
        replies = self._send(packed, count)
        too_few_replicas = must_wait and not self._has_enough_replicas(replies[-1])
        remaining = iter(replies)
        for call in calls:
            call.outcome = list(itertools.islice(remaining, call.count))
            errors = [reply for reply in call.outcome if isinstance(reply, redis.ResponseError)]
            if errors:
                call.outcome = self._breaker.refused(call.operation, errors[0])
            elif too_few_replicas and call.writes:
                call.outcome = Unavailable("Not yet on enough replicas, try again")

    def _has_enough_replicas(self, reply: Any) -> bool:
        """Return whether the reply to WAIT is a number of replicas that is large enough.

        The reply is an error if the server has become a replica.
        """
        return isinstance(reply, int) and reply >= self._replicas

    def _send(self, packed: list[bytes], count: int) -> list[Any]:
        commands = b"".join(packed)
        try:
            return self._round_trip(commands, count)
        except redis.ConnectionError:
            # Retry once: a restart of Redis closes the connection. None of our commands does harm
            # if it runs twice. A timeout is not retried, because the callers would wait too long.
            return self._round_trip(commands, count)

    def _round_trip(self, packed: bytes, count: int) -> list[Any]:
        if self._connection is None:
            # The connection does not come from the pool. The pool checks a connection before each
            # use, which costs time on each round trip.
            options = {**self._pool.connection_kwargs, **CONNECTION_OPTIONS}
            self._connection = self._pool.connection_class(**options)
            # Close the connection when this object is garbage-collected.
            weakref.finalize(self, self._connection.disconnect).atexit = False
        try:
            self._connection.send_packed_command([packed], check_health=False)
            return self._read(count)
        except BaseException:  # also GreenletExit: the next round trip must not read these replies
            self._connection.disconnect()
            raise

    def _read(self, count: int) -> list[Any]:
        replies: list[Any] = []
        read_reply = self._connection.read_response
        while len(replies) < count:
            try:
                while len(replies) < count:
                    replies.append(read_reply())
            except redis.ResponseError as error:
                replies.append(error)
        return replies


def _packed(commands: tuple[Command, ...]) -> bytes:
    return b"".join(hiredis.pack_command(command) for command in commands)  # type: ignore[arg-type]  # the stub accepts only a tuple with one element
