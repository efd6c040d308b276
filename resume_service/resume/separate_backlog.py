"""Writes the archive's backlog in a Redis Cluster, where it may be on another server than the point.

The backlog lists the points that the archive must still process. Without a cluster, the script of a
save or a deletion writes the entry.
"""

from __future__ import annotations

from resume_service.redis.operation import Operation
from resume_service.redis.router import RedisRouter
from resume_service.resume.keys import PointKeys


class SeparateBacklog:
    """Adds entries in round trips of their own. Every operation raises Unavailable if Redis fails."""

    def __init__(self, redis: RedisRouter) -> None:
        self._redis = redis

    def add_saved(self, keys: PointKeys, at_ms: int) -> Operation[None]:
        yield from self._add(keys.dirty, keys.entry, at_ms)

    def add_deleted(self, keys: PointKeys, at_ms: int) -> Operation[None]:
        yield from self._add(keys.erased, keys.entry, at_ms)

    def add_deleted_first(self, keys: PointKeys, at_ms: int) -> Operation[bool]:
        """Add the entry of a deletion before the point is deleted. Return whether the point exists.

        So the entry exists even if this process ends after the deletion. An entry for a point that
        still exists does no harm, because the flush then archives the point again.
        """
        [exists] = yield from self._redis.call("delete", keys.point, ("EXISTS", keys.point))
        if exists:
            yield from self.add_deleted(keys, at_ms)
        return bool(exists)

    def _add(self, backlog: str, entry: str, at_ms: int) -> Operation[None]:
        yield from self._redis.call("mark", backlog, ("ZADD", backlog, at_ms, entry), writes=True)
