"""Lists a user's points in two round trips to Redis. Many entries without a point may cause more.

The first round trip reads the index: a sorted set of the user's video ids, ordered by time. The
second round trip reads the hashes, one for each point. A page reads only what it needs.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime
from itertools import islice

from resume_service.clock import epoch_ms
from resume_service.errors import Unavailable
from resume_service.paging import Cursor, CursorPage
from resume_service.redis.call import Command, ReplySize
from resume_service.redis.hashes import read_hashes
from resume_service.redis.keys import escaped, unescaped
from resume_service.redis.node import MAX_LARGE_CALLS
from resume_service.redis.operation import Blocking, Operation
from resume_service.redis.router import RedisRouter
from resume_service.resume.hash_format import POINT_FIELDS, point_from
from resume_service.resume.keys import Keys
from resume_service.resume.model import PointSettings, ResumePoint, Status

Entry = tuple[str, int]
"""An entry of a user's index: the escaped video id, and `updatedAt` in ms."""
MORE_ENTRIES = 20
"""Number of entries that a page reads in addition to its points.

They replace entries of marks of missing points, and of expired points. Entries with the same time as
the cursor may also come before it.
"""
LONG = 128
"""A longer list uses a connection of its own for its hashes, and waits if too many others do.

So other callers do not wait for it, and memory stays limited: 1,000 points need about 1 MB.
"""
MAX_WAIT = 5.0
"""Maximum seconds that a long list waits until it may read its hashes."""


class PointList:
    """Reads the pages of a user's points."""

    def __init__(self, redis: RedisRouter, keys: Keys, settings: PointSettings) -> None:
        self._redis = redis
        self._keys = keys
        self._settings = settings
        self._long_lists = threading.BoundedSemaphore(MAX_LARGE_CALLS)

    def page(
        self,
        user_id: str,
        now_ms: int,
        *,
        limit: int | None,
        after: Cursor | None,
        status: Status | None,
    ) -> Operation[CursorPage[ResumePoint]]:
        """Return at most `limit` points after the cursor. The newest point comes first.

        Returns all points if `limit` is None. Omits points that are deleted between the two round
        trips, and hashes that are no points. Raises Unavailable if Redis does not answer.
        """
        points = None
        if limit and not status:
            points = yield from self._first_points(user_id, now_ms, limit, after)
        if points is None:
            points = yield from self._all_points(user_id, after)
        if status:
            watched_percent = self._settings.watched_percent
            points = [point for point in points if status.admits(point, watched_percent)]
        return _first_page(points, limit)

    def _first_points(
        self, user_id: str, now_ms: int, limit: int, after: Cursor | None
    ) -> Operation[list[ResumePoint] | None]:
        """Return the points of one page, and one more point if a next page exists.

        Return None if this needs further entries of the index, because more than MORE_ENTRIES are of
        no use: their points expired or were deleted in between, or they have only marks, or they are
        foreign hashes, or they come before the cursor.
        """
        wanted = limit + 1 + MORE_ENTRIES
        entries = yield from self._entries(user_id, after, wanted)
        following = [each for each in entries if after is None or _follows(each, after)]
        is_last_page = len(entries) < wanted
        expired_before = now_ms - int(self._settings.ttl.total_seconds()) * 1000
        if not is_last_page and (len(following) <= limit or following[limit][1] <= expired_before):
            return None
        points = yield from self._points(user_id, following, ReplySize.MEDIUM, limit + 1)
        return points if is_last_page or len(points) > limit else None

    def _all_points(self, user_id: str, after: Cursor | None) -> Operation[list[ResumePoint]]:
        """Return all points after the cursor."""
        entries = yield from self._all_entries(user_id, after)
        if len(entries) <= LONG:
            return (yield from self._points(user_id, entries, ReplySize.MEDIUM))
        if not self._long_lists.acquire(blocking=False):
            entries = []  # waiting lists must not need memory
            yield Blocking(self._wait_for_long_list)
        try:
            entries = entries or (yield from self._all_entries(user_id, after))
            return (yield from self._points(user_id, entries, ReplySize.LARGE))
        finally:
            self._long_lists.release()

    def _wait_for_long_list(self) -> None:
        if not self._long_lists.acquire(timeout=MAX_WAIT):
            raise Unavailable

    def _all_entries(self, user_id: str, after: Cursor | None) -> Operation[Sequence[Entry]]:
        entries = yield from self._entries(user_id, after, None)
        return [each for each in entries if after is None or _follows(each, after)]

    def _entries(
        self, user_id: str, after: Cursor | None, limit: int | None
    ) -> Operation[Sequence[Entry]]:
        """Return the first `limit` entries from the time of the cursor on. None: all entries."""
        index, _ = self._keys.of_user(user_id)
        start = epoch_ms(after.updated_at) if after else "+inf"
        command: Command = ("ZREVRANGEBYSCORE", index, start, "-inf", "WITHSCORES")
        if limit:
            command += ("LIMIT", 0, limit)
        [flat] = yield from self._redis.call("list", index, command, size=ReplySize.MEDIUM)
        try:
            return list(zip(flat[::2], map(int, flat[1::2]), strict=True))
        except ValueError:
            raise Unavailable from None  # the reply is garbled

    def _points(
        self,
        user_id: str,
        entries: Sequence[Entry],
        size: ReplySize,
        most: int | None = None,
    ) -> Operation[list[ResumePoint]]:
        """Return the points of `entries`, or the first `most` points. Omits entries without one."""
        if not entries:
            return []
        _, point_prefix = self._keys.of_user(user_id)
        keys = [point_prefix + member for member, _ in entries]
        hashes = yield from read_hashes(self._redis, keys, POINT_FIELDS, size)
        found = (
            point
            for key, (member, _), values in zip(keys, entries, hashes, strict=True)
            if (point := point_from(key, user_id, unescaped(member), values)) is not None
        )
        return list(islice(found, most))


def _follows(entry: Entry, cursor: Cursor) -> bool:
    """Return whether `entry` comes after `cursor` in the list.

    The caller must omit entries that are newer than the cursor.
    """
    member, updated_at = entry
    return updated_at < epoch_ms(cursor.updated_at) or member < escaped(cursor.video_id)


def _first_page(points: list[ResumePoint], limit: int | None) -> CursorPage[ResumePoint]:
    if limit is None or len(points) <= limit:
        return CursorPage(points, None)
    last = points[limit - 1]
    cursor = Cursor(datetime.fromisoformat(last.updated_at), last.video_id)
    return CursorPage(points[:limit], cursor)
