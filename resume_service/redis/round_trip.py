"""Concurrent calls to one Redis server share a round trip (auto-pipelining). This module has no I/O.

Under load, many saves share the cost of sending and receiving. `blocking_pipeline.py` and
`server/redis_pipeline.py` send the bytes and receive the replies.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import redis

from resume_service.errors import Unavailable
from resume_service.redis.call import PENDING, Call, packed

MIN_SECONDS = 0.1
"""Minimum seconds of a round trip, also if its calls had to wait because this process was busy."""
MAX_SIZE = 512
"""Maximum size of the replies of a shared round trip (see `ReplySize`)."""


class ReplicaWait(NamedTuple):
    """Each write waits until `replicas` replicas have it, for at most `ms` milliseconds."""

    replicas: int = 0
    ms: int = 0


NO_WAIT = ReplicaWait()


class RoundTrip:
    """Calls that travel together.

    `deadline` is the latest deadline of the calls, a value of `time.monotonic()`.
    """

    def __init__(
        self, calls: Sequence[Call], wait: ReplicaWait, deadline: float | None = None
    ) -> None:
        self.calls = calls
        self._wait = wait
        self.must_wait = wait.replicas > 0 and any(call.writes for call in calls)
        if len(calls) == 1:
            self.commands, self.count = calls[0].packed, calls[0].count
        else:
            self.commands = b"".join([call.packed for call in calls])
            self.count = sum([call.count for call in calls])
        if self.must_wait:
            self.commands += packed((("WAIT", wait.replicas, wait.ms),))
            self.count += 1
        if deadline is None:
            latest = max([call.deadline for call in calls])
            deadline = max(latest, time.monotonic() + MIN_SECONDS)
        self.deadline = deadline

    @property
    def operations(self) -> set[str]:
        """The names of the operations, for the metrics."""
        return {call.operation for call in self.calls}

    def has_pending(self) -> bool:
        """Return whether a call has no outcome."""
        return any(call.outcome is PENDING for call in self.calls)

    def without_ended(self) -> RoundTrip:
        """Return a round trip for the calls without outcome. It has the same deadline.

        So no command is sent after its caller has got an error.
        """
        pending = [call for call in self.calls if call.outcome is PENDING]
        return RoundTrip(pending, self._wait, self.deadline)

    def end(self, replies: list[Any]) -> None:
        """Give each call its replies."""
        too_few_replicas = self.must_wait and not self._has_enough_replicas(replies[-1])
        start = 0
        for call in self.calls:
            end = start + call.count
            outcome: Any = replies[start:end]
            start = end
            if too_few_replicas and call.writes:
                outcome = _not_on_enough_replicas(outcome)
            call.end(outcome)

    def fail(self) -> None:
        """End all calls without outcome with Unavailable."""
        for call in self.calls:
            call.end(Unavailable())

    def _has_enough_replicas(self, reply: Any) -> bool:
        """Return whether the reply to WAIT is a number of replicas that is large enough.

        The reply is an error if the server has become a replica.
        """
        return isinstance(reply, int) and reply >= self._wait.replicas


def take_calls(waiting: list[Call], first: Call | None = None) -> list[Call]:
    """Remove from `waiting` the calls of the next round trip, and return them.

    They are `first`, if given, and the oldest ones, up to a total size of MAX_SIZE.
    """
    calls = [first] if first else []
    size = first.weight if first else 0
    taken = 0
    for call in waiting:
        size += call.weight
        if size > MAX_SIZE and calls:
            break
        calls.append(call)
        taken += 1
    del waiting[:taken]
    return calls


def _not_on_enough_replicas(replies: list[Any]) -> Unavailable | list[Any]:
    """Return the outcome of a call that writes. Error replies stay: they may name another server."""
    fault = Unavailable("Not yet on enough replicas, try again")
    if not any(isinstance(reply, redis.RedisError) for reply in replies):
        return fault
    return [reply if isinstance(reply, redis.RedisError) else fault for reply in replies]
