"""The id and the start time of a request."""

from __future__ import annotations

import os

import msgspec


class RequestStart(msgspec.Struct, frozen=True, gc=False):
    """The id and the start time of a request.

    It is a Struct because a NamedTuple takes three times as long to create (0.15 instead of 0.05 us).
    """

    request_id: str
    started: float
    """The value of time.perf_counter() when the request arrived, in seconds."""
    arrived_ms: int
    """The time when the request arrived, in milliseconds since 1970."""


ID_LENGTH = 32
"""Length of a random id, in hexadecimal digits."""
_unused_ids: list[str] = []


def random_id() -> str:
    """Return a new request id of 128 random bits."""
    # One call of urandom for 256 ids: 0.1 us for each id instead of 0.5. `pop` is atomic, so two
    # threads never get the same id.
    try:
        return _unused_ids.pop()
    except IndexError:
        digits = os.urandom(256 * ID_LENGTH // 2).hex()
        ids = [digits[at : at + ID_LENGTH] for at in range(0, len(digits), ID_LENGTH)]
        _unused_ids.extend(ids[1:])
        return ids[0]


def _forget_after_fork() -> None:
    _unused_ids.clear()  # otherwise two processes would use the same ids


os.register_at_fork(after_in_child=_forget_after_fork)
