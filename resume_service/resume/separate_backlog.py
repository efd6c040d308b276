"""Writes the archive's backlog in a Redis Cluster, where it may be on another server than the point.

The backlog lists the points that the archive must still process. Without a cluster, the script that
merges an event writes the entry.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from resume_service.errors import Unavailable
from resume_service.redis.call import KeyedCommand
from resume_service.redis.operation import Operation
from resume_service.redis.router import RedisRouter
from resume_service.resume.keys import PointKeys


class BacklogEntry(NamedTuple):
    """An entry of the backlog: a point was saved or marked, or it was deleted."""

    keys: PointKeys
    at_ms: int
    """Arrival of a save or mark, or time of a deletion; ms since 1970."""
    is_deletion: bool = False

    def command(self) -> KeyedCommand:
        key = self.keys.erased if self.is_deletion else self.keys.dirty
        return key, ("ZADD", key, self.at_ms, self.keys.entry)


class SeparateBacklog:
    """Adds entries in round trips of their own.

    The entry of a save is added after the save. The entry of a deletion is added before the deletion,
    so it exists even if this process ends after the deletion. An entry for a point that still exists
    does no harm, because the flush then archives the point again. It is added a second time after the
    deletion, because a flush may have removed it while the point still existed.
    """

    def __init__(self, redis: RedisRouter) -> None:
        self._redis = redis

    def add(self, entry: BacklogEntry) -> Operation[None]:
        """Raises Unavailable if Redis fails."""
        key, command = entry.command()
        yield from self._redis.call("mark", key, command, writes=True)

    def add_each(self, entries: Sequence[BacklogEntry]) -> Operation[list[Any]]:
        """Add entries in one round trip to each server. Return None or Unavailable for each entry."""
        replies = yield from self._redis.send_each("mark", [each.command() for each in entries])
        return [None if isinstance(reply, int) else Unavailable() for reply in replies]
