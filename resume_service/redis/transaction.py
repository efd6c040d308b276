"""Sends the commands of a batch as one transaction (MULTI, EXEC).

Redis receives a large batch in parts of 16 KB. Without a transaction, it executes each part alone, and
waits for the disk after each of them (`appendfsync always`). In a transaction, it executes all
commands at the end, and waits once. If the connection ends before, it executes none of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import redis

from resume_service.redis.call import Command

MULTI: Command = ("MULTI",)
EXEC: Command = ("EXEC",)


def in_transaction(commands: Sequence[Command]) -> Sequence[Command]:
    """Return the commands of the transaction. One command needs none."""
    return (MULTI, *commands, EXEC) if len(commands) > 1 else commands


def replies_in(replies: Sequence[Any], count: int) -> list[Any] | None:
    """Return the reply to each of the `count` commands, from the replies to `in_transaction`.

    Return None if Redis has executed none of them, for example because it is full. Then it may still
    execute some of them outside of a transaction, such as deletions.
    """
    if count == 1:
        return list(replies)
    multi, *queued, executed = replies
    if isinstance(multi, redis.RedisError):
        return queued  # Redis has executed each command alone
    return executed if isinstance(executed, list) and len(executed) == count else None
