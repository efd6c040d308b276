"""Writes the archive's backlog in a Redis Cluster, where it may be on another server than the point.

The backlog lists the points that the archive must still process. Without a cluster, the script that
merges an event writes the entry.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from resume_service.errors import Unavailable
from resume_service.redis.operation import Operation
from resume_service.redis.router import RedisRouter
from resume_service.resume.backlog_entry import BacklogEntry


class SeparateBacklog:
    """Adds entries in round trips of their own.

    The entry of a save is added after the save. An early entry of a deletion is added before the
    deletion, so it exists even if this process ends after the deletion. It has the time of this host.
    If the deletion fails, a flush finds no tombstone, and the early entry changes nothing.

    A flush may remove the early entry before the deletion. So an entry is added after the deletion,
    too. It has the time of the deletion by the clock of the server that has the point. An early entry
    replaces no other entry.
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
