"""Leases of open streams: all processes together know which users have streams, and how many.

While the key `live:<user>` exists, the script of an event publishes the change (see
`resume/scripts/live_streams.lua`). A process renews its leases, so they end soon after a kill.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

from resume_service.errors import Unavailable
from resume_service.live.limits import LEASE_SECONDS, STREAMS_PER_USER
from resume_service.redis.operation import Operation
from resume_service.redis.router import RedisRouter, ScriptArguments
from resume_service.redis.script import Script

LEASE = Script("lease.lua", __package__ or "")
Lease = tuple[str, str]
"""The key `live:<user>`, and the stream in it."""


class LeaseState(IntEnum):
    """The results of the script."""

    REFUSED = 0
    RENEWED = 1
    NEW = 2


class Leases:
    def __init__(self, redis: RedisRouter) -> None:
        self._redis = redis
        self._duration = str(LEASE_SECONDS * 1000)

    def add(self, lease: Lease) -> Operation[bool]:
        """Return False if the user has STREAMS_PER_USER streams. Raises Unavailable."""
        key, stream = lease
        args = [stream, self._duration, str(STREAMS_PER_USER)]
        state = yield from self._redis.run("live", LEASE, [key], [*args])
        return _checked(state) is not LeaseState.REFUSED

    def renew(self, leases: Sequence[Lease]) -> Operation[list[LeaseState | None]]:
        """Renew leases in one round trip to each server. The result is None for those that failed.

        NEW says that the lease was lost, so changes may have been missed.
        """
        calls: list[ScriptArguments] = [
            ([key], [stream, self._duration, "0"]) for key, stream in leases
        ]
        states = yield from self._redis.run_each("live", LEASE, calls)
        return [LeaseState(state) if state in (1, 2) else None for state in states]

    def remove(self, lease: Lease) -> Operation[None]:
        """Remove a lease. If Redis fails, it ends by itself."""
        key, stream = lease
        try:
            yield from self._redis.call("live", key, ("ZREM", key, stream))
        except Unavailable:
            return


def _checked(state: object) -> LeaseState:
    """Raises Unavailable if `state` belongs to another command."""
    try:
        return LeaseState(state)  # type: ignore[arg-type]  # the enum checks it
    except ValueError:
        raise Unavailable from None
