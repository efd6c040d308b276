"""The commands of one caller, on their way to one Redis server and back."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from enum import IntEnum
from typing import Any

import hiredis

Command = tuple[str | int, ...]


class ReplySize(IntEnum):
    """The size of the replies to a call, as a number of replies to HMGET of one point."""

    SMALL = 1
    MEDIUM = 64
    """For example the index of a list, or the points of a short list."""
    LARGE = 1000
    """For example the points of a long list."""


PENDING = object()
"""The outcome of a call that has none yet."""


class Call:
    """The commands of one caller, and their outcome: a list of replies, or an exception to raise.

    Metrics record the call as `operation`. `deadline` is a value of `time.monotonic()`. A call that
    `writes` is complete only after `wait_replicas` replicas have the write. `size` is the expected
    size of the replies.
    """

    __slots__ = (
        "commands",
        "count",
        "deadline",
        "operation",
        "outcome",
        "packed",
        "size",
        "wake_up",
        "writes",
    )

    def __init__(
        self,
        operation: str,
        commands: Sequence[Command],
        deadline: float,
        *,
        writes: bool = False,
        size: ReplySize = ReplySize.SMALL,
    ) -> None:
        self.operation = operation
        self.commands = commands
        self.packed = packed(commands)  # encode here: only this caller gets an encoding error
        self.count = len(commands)
        self.deadline = deadline
        self.writes = writes
        self.size = size
        self.outcome: Any = PENDING
        self.wake_up: threading.Lock | None = None
        """A follower waits for this lock until its outcome is set, or until it is the next leader."""

    def with_commands(self, commands: Sequence[Command]) -> Call:
        """Return a new call with other commands."""
        return Call(self.operation, commands, self.deadline, writes=self.writes, size=self.size)

    def end(self, outcome: Any) -> None:
        """Set the outcome and wake the follower, unless it has an outcome already."""
        if self.outcome is PENDING:
            self.outcome = outcome
            if self.wake_up:
                self.wake_up.release()


def packed(commands: Sequence[Command]) -> bytes:
    """Return `commands` as bytes of the Redis protocol."""
    return b"".join(hiredis.pack_command(command) for command in commands)  # type: ignore[arg-type]  # the stub accepts only a tuple with one element
