"""Where resume points are kept: the only code that speaks to Redis about them.

Redis holds, by the names that keys.py builds:

    resume:<user>:<video>  hash  currentTime (s), updatedAt (ISO 8601), and where known duration (s),
                                 percent, watched, completed (0 or 1), watchedAt, completedAt;
                                 gone RESUME_TTL_DAYS after the last save
    recent:<user>          zset  video -> updatedAt in ms; the newest RESUME_MAX_POINTS; same expiry
    archive:dirty          zset  <user>:<video> -> updatedAt in ms: saved, not yet archived
    archive:erased         zset  <user>:<video> -> when deleted, ms: not yet erased from the archive

The last two exist only where an archive is configured. Each method is one round trip: one script,
in which all of that changes together or not at all. In a Redis Cluster the marks are kept on other
servers than the points, so there they take a round trip of their own, and a save is acknowledged
only after its mark. A point read back is the hash as it stands; the rules that shape it are in
`save_point.lua`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from resume_service import metrics
from resume_service.errors import NotFound
from resume_service.resume.keys import Keys, escaped, unescaped
from resume_service.resume.model import (
    GREATEST_NUMBER,
    Cursor,
    Measurement,
    Page,
    ResumePoint,
    Rules,
    Status,
    epoch_ms,
    iso,
)
from resume_service.resume.redis_router import Args, RedisRouter, Script

POINT_FIELDS = ("currentTime", "updatedAt", "duration", "percent", "watched", "completed")
OLDEST_MEASUREMENT = timedelta(milliseconds=GREATEST_NUMBER)
"""How old a measurement may be when it arrives."""

SAVE = Script("save_point.lua", writes=True)
LIST = Script("list_points.lua", writes=False)
DELETE = Script("delete_point.lua", writes=True)


class ResumeStore:
    """Saves, reads, lists and deletes resume points. Every method may raise Unavailable."""

    def __init__(
        self,
        redis: RedisRouter,
        keys: Keys,
        rules: Rules,
        *,
        archive: bool = False,
    ) -> None:
        self._redis = redis
        self._keys = keys
        self._rules = rules
        self._archive = archive
        self._marks_apart = archive and keys.hash_tags
        self._ttl_seconds = int(rules.ttl.total_seconds())
        self._oldest_after_ms = int((rules.ttl + OLDEST_MEASUREMENT) / timedelta(milliseconds=1))
        """What was saved so long before a measurement has expired, ms."""

    def save(self, seen: Measurement) -> bool:
        """Keep `seen`, unless the stored point was measured later; tells whether it was kept."""
        keys = self._keys.of_point(seen.user_id, seen.video_id)
        at_ms = epoch_ms(seen.measured_at)
        touched = [keys.point, keys.recent]
        if self._archive and not self._marks_apart:
            touched.append(keys.dirty)
        args: Args = [
            _number_text(seen.position),
            "" if seen.duration is None else _number_text(seen.duration),
            iso(seen.measured_at),
            at_ms,
            self._ttl_seconds,
            self._rules.max_points,
            self._rules.watched_percent,
            at_ms - self._oldest_after_ms,
            keys.member,
            keys.siblings,
            keys.mark,
        ]
        applied: bool = self._redis.run("save", SAVE, touched, args) == 1
        if applied and self._marks_apart:
            self._mark(keys.dirty, keys.mark, at_ms)
        (metrics.saves_applied if applied else metrics.saves_ignored).inc()
        return applied

    def get(self, user_id: str, video_id: str) -> ResumePoint:
        """Raises NotFound when there is no such point."""
        key = self._keys.of_point(user_id, video_id).point
        values = self._redis.call("get", key, ("HMGET", key, *POINT_FIELDS))
        if values[0] is None:
            raise NotFound("Progress not found")
        return _point(user_id, video_id, values)

    def list(
        self,
        user_id: str,
        *,
        limit: int | None = None,
        after: Cursor | None = None,
        status: Status | None = None,
    ) -> Page:
        """At most `limit` points of a user, newest first, from `after` on; all without a limit."""
        index, points_of_user = self._keys.of_user(user_id)
        args: Args = [
            points_of_user,
            limit or 0,
            epoch_ms(after.updated_at) if after else "",
            escaped(after.video_id) if after else "",
            status or "",
            self._rules.watched_percent,
        ]
        rows = self._redis.run("list", LIST, [index], args)
        points = [_point(user_id, unescaped(video), values) for video, *values in rows[:limit]]
        if len(rows) == len(points):
            return Page(points, None)
        return Page(points, Cursor(points[-1].updated_at, points[-1].video_id))

    def delete(self, user_id: str, video_id: str, now: datetime) -> None:
        """Raises NotFound when there is no such point."""
        keys = self._keys.of_point(user_id, video_id)
        touched = [keys.point, keys.recent]
        if self._marks_apart:
            self._mark_deletion_ahead(user_id, video_id, now)
        elif self._archive:
            touched += [keys.dirty, keys.erased]
        args: Args = [keys.member, epoch_ms(now), keys.mark]
        gone = self._redis.run("delete", DELETE, touched, args) == 1
        if self._marks_apart:
            # Once more: a flush between the two has found the point alive and dropped the mark.
            self._mark(keys.erased, keys.mark, epoch_ms(now))
        if not gone:
            raise NotFound("Progress not found")

    def ping(self) -> None:
        """Raises Unavailable unless Redis answers."""
        self._redis.ping()

    def _mark_deletion_ahead(self, user_id: str, video_id: str, now: datetime) -> None:
        """Mark a point that is there as erased, before it is: a mark must not be lost after that.

        The worker erases before it archives what still stands, so a mark too many harms nothing.
        """
        keys = self._keys.of_point(user_id, video_id)
        if not self._redis.call("delete", keys.point, ("EXISTS", keys.point)):
            raise NotFound("Progress not found")
        self._mark(keys.erased, keys.mark, epoch_ms(now))

    def _mark(self, marks: str, mark: str, at_ms: int) -> None:
        self._redis.call("mark", marks, ("ZADD", marks, at_ms, mark), writes=True)


def _number_text(number: float) -> str:
    return str(int(number)) if number == int(number) else repr(number)


def _point(user_id: str, video_id: str, values: list[Any]) -> ResumePoint:
    """The point of a hash's POINT_FIELDS; every save writes the first two, the rest may be None."""
    position, updated_at, duration, percent, watched, completed = values
    return ResumePoint(
        user_id=user_id,
        video_id=video_id,
        position=float(position),
        updated_at=datetime.fromisoformat(updated_at),
        duration=float(duration) if duration else None,
        percent=float(percent) if percent else None,
        watched=watched == "1" if watched else None,
        completed=completed == "1" if completed else None,
    )
