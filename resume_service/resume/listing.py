"""Reads a point, and lists a user's points in at most two round trips to Redis.

The first round trip reads the index: a sorted set of the user's video ids, ordered by time. The
second round trip reads the hashes, one for each point. Further round trips are necessary only if
another program has written to these keys.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from resume_service.clock import epoch_ms
from resume_service.paging import Cursor, CursorPage
from resume_service.redis.hashes import read_hash, read_hashes
from resume_service.redis.keys import escaped, unescaped
from resume_service.redis.router import RedisRouter
from resume_service.resume.hash_format import POINT_FIELDS, point_from
from resume_service.resume.keys import Keys
from resume_service.resume.model import PointSettings, ResumePoint, Status

Entry = tuple[str, int]
"""An entry of a user's index: the escaped video id, and `updatedAt` in ms."""


class PointList:
    """Reads the pages of a user's points."""

    def __init__(self, redis: RedisRouter, keys: Keys, settings: PointSettings) -> None:
        self._redis = redis
        self._keys = keys
        self._settings = settings

    def page(
        self,
        user_id: str,
        now: datetime,
        *,
        limit: int | None,
        after: Cursor | None,
        status: Status | None,
    ) -> CursorPage[ResumePoint]:
        """Return at most `limit` points after the cursor. The newest point comes first.

        Returns all points if `limit` is None. Omits points that are deleted between the two round
        trips, and hashes that are no points. Raises Unavailable if Redis does not answer.
        """
        index, point_prefix = self._keys.of_user(user_id)
        entries = self._entries(index, after)
        first = entries
        if limit and not status:
            first = self._first_entries(entries, limit, now)
        points = self._points(user_id, point_prefix, first)
        if len(points) < len(first) < len(entries):
            # Some hashes are no points, so this page needs more entries.
            points += self._points(user_id, point_prefix, entries[len(first) :])
        if status:
            points = [
                each for each in points if status.admits(each, self._settings.watched_percent)
            ]
        return _first_page(points, limit)

    def _points(self, user_id: str, prefix: str, entries: Sequence[Entry]) -> list[ResumePoint]:
        """Return the points of `entries`. Omits expired points: the index still contains them."""
        if not entries:
            return []
        keys = [prefix + member for member, _ in entries]
        hashes = read_hashes(self._redis, "list", keys, POINT_FIELDS)
        return [
            point
            for key, (member, _), values in zip(keys, entries, hashes, strict=True)
            if (point := point_from(key, user_id, unescaped(member), values)) is not None
        ]

    def _entries(self, index: str, after: Cursor | None) -> Sequence[Entry]:
        start = epoch_ms(after.updated_at) if after else "+inf"
        [flat] = self._redis.call(
            "list", index, ("ZREVRANGEBYSCORE", index, start, "-inf", "WITHSCORES")
        )
        entries = list(zip(flat[::2], map(int, flat[1::2]), strict=True))
        return [each for each in entries if _follows(each, after)] if after else entries

    def _first_entries(
        self, entries: Sequence[Entry], limit: int, now: datetime
    ) -> Sequence[Entry]:
        """Return the entries of one page, and one more entry if a next page exists.

        Returns all entries if some of those points may have expired.
        """
        expired_before = epoch_ms(now) - int(self._settings.ttl.total_seconds()) * 1000
        if len(entries) > limit and entries[limit][1] > expired_before:
            return entries[: limit + 1]
        return entries


def read_point(redis: RedisRouter, key: str, user_id: str, video_id: str) -> ResumePoint | None:
    """Read one point, in one round trip. Return None if it does not exist, or is no point."""
    return point_from(key, user_id, video_id, read_hash(redis, "get", key, POINT_FIELDS))


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
    return CursorPage(points[:limit], Cursor(last.updated_at, last.video_id))
