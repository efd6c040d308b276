"""Round trips to one Redis server, each shared by all the callers that wait for one.

While one caller's commands travel, others of the same process gather; the next round trip carries
all of theirs. Under load the cost of sending, waiting and waking is so paid once for many saves,
and an idle service answers as fast as without. Any thread or greenlet may call.
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

CONNECTION = {"protocol": 2, "encoding_errors": "replace"}
"""How answers are read: flat, and never failing those of others when one holds no UTF-8."""
_NONE_YET = object()


class _Call:
    """One caller's commands, and what became of them: their answers, or an exception to raise."""

    __slots__ = ("count", "operation", "outcome", "packed", "turn", "writes")

    def __init__(self, operation: str, commands: tuple[Command, ...], *, writes: bool) -> None:
        self.operation = operation
        self.packed = _packed(commands)  # here, so that what can't be sent fails its caller alone
        self.count = len(commands)
        self.writes = writes
        self.outcome: Any = _NONE_YET
        self.turn: threading.Lock | None = None
        """Held until there is an outcome, or until this caller is the one to lead."""


class AutoPipeline:
    """Sends commands to the server that `client` is connected to."""

    def __init__(self, client: redis.Redis, *, wait_replicas: int = 0, wait_ms: int = 0) -> None:
        self._pool = client.connection_pool
        self._breaker = CircuitBreaker()
        self._replicas = wait_replicas
        self._wait = _packed((("WAIT", wait_replicas, wait_ms),))
        self._connection: Any = None
        self._waiting: list[_Call] = []
        self._in_flight = False
        self._next_leader: _Call | None = None
        self._state = threading.Lock()
        """Guards the three above; never held while a round trip is under way."""

    def call(self, operation: str, *commands: Command, writes: bool = False) -> list[Any]:
        """What Redis answers to each of `commands`, timed as `operation`.

        Raises Unavailable when Redis does not answer in time or says that it can't serve, or when
        too few replicas have what was written; redis.ResponseError for what else it refuses.
        """
        mine = _Call(operation, commands, writes=writes)
        with self._state:
            if self._in_flight:
                mine.turn = threading.Lock()
                mine.turn.acquire()
                self._waiting.append(mine)
            self._in_flight = True
        if mine.turn:
            try:
                mine.turn.acquire()
            except BaseException:  # this caller is killed
                self._leave(mine)
                raise
        if mine.outcome is _NONE_YET:
            self._lead(mine)
        if isinstance(mine.outcome, Exception):
            raise mine.outcome
        answers: list[Any] = mine.outcome
        return answers

    def _leave(self, mine: _Call) -> None:
        """Wait no more; if it was `mine` that had to lead next, the one behind it does."""
        with self._state:
            self._waiting = [call for call in self._waiting if call is not mine]
            leads = self._next_leader is mine
        if leads:
            self._hand_over([mine])

    def _lead(self, mine: _Call) -> None:
        """Make one round trip for all who wait by now, then have the next caller lead."""
        with self._state:
            calls = [mine, *(call for call in self._waiting if call is not mine)]
            self._waiting = []
        try:
            self._breaker.call({call.operation for call in calls}, lambda: self._execute(calls))
        finally:
            self._hand_over(calls)

    def _hand_over(self, calls: list[_Call]) -> None:
        with self._state:
            next_leader = self._next_leader = self._waiting[0] if self._waiting else None
            self._in_flight = next_leader is not None
        for call in calls:
            if call.outcome is _NONE_YET:
                call.outcome = Unavailable()
            if call.turn and call is not calls[0]:
                call.turn.release()
        if next_leader and next_leader.turn:
            next_leader.turn.release()

    def _execute(self, calls: list[_Call]) -> None:
        waits = self._replicas > 0 and any(call.writes for call in calls)
        packed = [call.packed for call in calls]
        count = sum(call.count for call in calls)
        if waits:
            packed.append(self._wait)
            count += 1
        answers = self._answers(packed, count)
        too_few = waits and not self._has_enough_replicas(answers[-1])
        unclaimed = iter(answers)
        for call in calls:
            call.outcome = list(itertools.islice(unclaimed, call.count))
            refusals = [each for each in call.outcome if isinstance(each, redis.ResponseError)]
            if refusals:
                call.outcome = self._breaker.refused(call.operation, refusals[0])
            elif too_few and call.writes:
                call.outcome = Unavailable("Not yet on enough replicas, try again")

    def _has_enough_replicas(self, answer: Any) -> bool:
        """Whether enough replicas do, by the answer to WAIT: how many, or that it is none's master."""
        return isinstance(answer, int) and answer >= self._replicas

    def _answers(self, packed: list[bytes], count: int) -> list[Any]:
        commands = b"".join(packed)
        try:
            return self._round_trip(commands, count)
        except redis.ConnectionError:
            # Once more: after a restart the connection is dead. Every command of ours may be
            # repeated. A time-out is not tried again, so that callers have their answer in time.
            return self._round_trip(commands, count)

    def _round_trip(self, packed: bytes, answers: int) -> list[Any]:
        if self._connection is None:
            # Not taken out of the pool, which would look it over each time.
            options = {**self._pool.connection_kwargs, **CONNECTION}
            self._connection = self._pool.connection_class(**options)
            # Closed with the last who could use it, and not by whichever part is collected first.
            weakref.finalize(self, self._connection.disconnect).atexit = False
        try:
            self._connection.send_packed_command([packed], check_health=False)
            return self._read(answers)
        except BaseException:  # also when this caller is killed: no answer may be read as another's
            self._connection.disconnect()
            raise

    def _read(self, count: int) -> list[Any]:
        answers: list[Any] = []
        next_answer = self._connection.read_response
        while len(answers) < count:
            try:
                while len(answers) < count:
                    answers.append(next_answer())
            except redis.ResponseError as refusal:
                answers.append(refusal)
        return answers


def _packed(commands: tuple[Command, ...]) -> bytes:
    return b"".join(hiredis.pack_command(command) for command in commands)  # type: ignore[arg-type]  # its stubs take tuples of one
