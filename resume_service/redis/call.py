"""The commands of one caller, on their way to one Redis server and back."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import hiredis

Command = tuple[str | int, ...]

PENDING = object()
"""The outcome of a call that has none yet."""


class Call:
    """The commands of one caller, and their outcome: a list of replies, or an exception to raise.

    Metrics record the call as `operation`. `deadline` is a value of `time.monotonic()`. A call that
    `writes` is complete only after `wait_replicas` replicas have the write. A call that `is_large`
    may have a large reply.
    """

    __slots__ = (
        "commands",
        "count",
        "deadline",
        "is_large",
        "operation",
        "outcome",
        "packed",
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
        is_large: bool = False,
    ) -> None:
        self.operation = operation
        self.commands = commands
        self.packed = packed(commands)  # encode here: only this caller gets an encoding error
        self.count = len(commands)
        self.deadline = deadline
        self.writes = writes
        self.is_large = is_large
        self.outcome: Any = PENDING
        self.wake_up: threading.Lock | None = None
        """A follower waits for this lock until its outcome is set, or until it is the next leader."""

    def with_commands(self, commands: Sequence[Command]) -> Call:
        """Return a new call with other commands."""
        return Call(
            self.operation, commands, self.deadline, writes=self.writes, is_large=self.is_large
        )

    def end(self, outcome: Any) -> None:
        """Set the outcome and wake the follower, unless it has an outcome already."""
        if self.outcome is PENDING:
            self.outcome = outcome
            if self.wake_up:
                self.wake_up.release()


def packed(commands: Sequence[Command]) -> bytes:
    """Return `commands` as bytes of the Redis protocol."""
    return b"".join(hiredis.pack_command(command) for command in commands)  # type: ignore[arg-type]  # the stub accepts only a tuple with one element
