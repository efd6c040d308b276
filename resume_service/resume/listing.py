"""Lists a user's points in at most two round trips to Redis, unless an entry has no point.

The first round trip reads the newest entries of the index: a sorted set of the user's video ids,
ordered by time. If they suffice, the second round trip reads the hashes, one for each point.
Otherwise the second round trip reads all entries and all hashes, on a connection of its own: other
callers do not wait for this large reply.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from resume_service.clock import epoch_ms
from resume_service.paging import Cursor, CursorPage
from resume_service.redis.hashes import read_hashes
from resume_service.redis.keys import escaped, unescaped
from resume_service.redis.router import RedisRouter
from resume_service.redis.script import Args
from resume_service.resume.hash_format import POINT_FIELDS, point_from
from resume_service.resume.keys import Keys
from resume_service.resume.model import PointSettings, ResumePoint, Status
from resume_service.resume.scripts import LIST_POINTS

Entry = tuple[str, int]
"""An entry of a user's index: the escaped video id, and `updatedAt` in ms."""
FIRST_ENTRIES = 128
"""Number of entries that the first round trip reads. A page of 100 points needs one more."""


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
        highest = str(epoch_ms(after.updated_at)) if after else "+inf"
        entries, are_all = self._first_entries(index, highest, after)
        is_page = limit is not None and not status and self._has_page(entries, limit, now)
        if is_page and limit:
            entries = entries[: limit + 1]
        points: list[ResumePoint | None] = []
        if entries and (is_page or are_all):
            members = [member for member, _ in entries]
            points = read_points(self._redis, "list", user_id, point_prefix, members)
        # A page without one of its points needs further points.
        if None in points if is_page else not are_all:
            points = self._all(user_id, index, point_prefix, highest, after)
        found = [point for point in points if point]
        if status:
            watched_percent = self._settings.watched_percent
            found = [point for point in found if status.admits(point, watched_percent)]
        return _first_page(found, limit)

    def _first_entries(
        self, index: str, highest: str, after: Cursor | None
    ) -> tuple[Sequence[Entry], bool]:
        """Return the first entries after the cursor, and whether they are all entries."""
        command = ("ZREVRANGEBYSCORE", index, highest, "-inf", "WITHSCORES")
        [flat] = self._redis.call("list", index, (*command, "LIMIT", 0, FIRST_ENTRIES))
        entries = list(zip(flat[::2], map(int, flat[1::2]), strict=True))
        are_all = len(entries) < FIRST_ENTRIES
        return [each for each in entries if after is None or _follows(each, after)], are_all

    def _has_page(self, entries: Sequence[Entry], limit: int, now: datetime) -> bool:
        """Return whether `entries` have a whole page and one more entry, and none has expired."""
        expired_before = epoch_ms(now) - int(self._settings.ttl.total_seconds()) * 1000
        return len(entries) > limit and entries[limit][1] > expired_before

    def _all(
        self, user_id: str, index: str, point_prefix: str, highest: str, after: Cursor | None
    ) -> list[ResumePoint | None]:
        """Return all points after the cursor, and None for each hash that is no point."""
        args: Args = [highest, point_prefix, *POINT_FIELDS]
        return [
            point_from(point_prefix + member, user_id, unescaped(member), values)
            for member, at_ms, values in self._redis.run("list", LIST_POINTS, [index], args)
            if after is None or _follows((member, int(at_ms)), after)
        ]


def read_points(
    redis: RedisRouter, operation: str, user_id: str, point_prefix: str, members: Sequence[str]
) -> list[ResumePoint | None]:
    """Read the user's points of these members of the index, in one round trip.

    The result contains None for each hash that does not exist or is no point (see `point_from`).
    Raises Unavailable if Redis does not answer.
    """
    keys = [point_prefix + member for member in members]
    hashes = read_hashes(redis, operation, keys, POINT_FIELDS)
    return [
        point_from(key, user_id, unescaped(member), values)
        for key, member, values in zip(keys, members, hashes, strict=True)
    ]


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
