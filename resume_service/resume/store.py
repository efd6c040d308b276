"""Where resume points are kept: the only code that speaks to Redis about them.

Redis holds, by the names that keys.py builds:

    resume:<user>:<video>  hash  currentTime (s), updatedAt (ISO 8601), and where known duration (s),
                                 percent, watched, completed (0 or 1), watchedAt, completedAt;
                                 percent without duration where only a rate was told;
                                 gone RESUME_TTL_DAYS after the last save
    recent:<user>          zset  video -> updatedAt in ms; the newest RESUME_MAX_POINTS; same expiry
    archive:dirty          zset  <user>:<video> -> updatedAt in ms: saved, not yet archived
    archive:erased         zset  <user>:<video> -> when deleted, ms: not yet erased from the archive
    archive:restored       string  there when this Redis holds what the archive has (docs/adr/0023)

The last three exist only where an archive is configured, in a Redis Cluster one for each of 64
shards. Each method is one round trip: one script,
in which all of that changes together or not at all. In a Redis Cluster the marks are kept on other
servers than the points, so there they take a round trip of their own, and a save is acknowledged
only after its mark. A point read back is the hash as it stands; the rules that shape it are in
`save_point.lua`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from resume_service.errors import NotFound
from resume_service.redis.router import Args, RedisRouter, Script
from resume_service.resume.keys import Keys, escaped, unescaped
from resume_service.resume.model import (
    GREATEST_NUMBER,
    Cursor,
    Measurement,
    Page,
    ResumePoint,
    Rules,
    Saved,
    Status,
    epoch_ms,
    iso,
    number_text,
)
from resume_service.telemetry import metrics

POINT_FIELDS = ("currentTime", "updatedAt", "duration", "percent", "watched", "completed")
OLDEST_MEASUREMENT = timedelta(milliseconds=GREATEST_NUMBER)
"""How old a measurement may be when it arrives."""

SCRIPTS = "resume_service.resume.scripts"
SAVE = Script("save_point.lua", SCRIPTS)
RECALL = Script("set_first_times.lua", SCRIPTS)
DELETE = Script("delete_point.lua", SCRIPTS)


Entry = tuple[str, int]
"""A video in a user's index, and when its point was updated, ms."""


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
        told = (self._ttl_seconds, rules.max_points, rules.watched_percent)
        self._rules_told = tuple(map(str, told))
        """To the script of a save, as text: written once, not for each save."""
        self._oldest_after_ms = int((rules.ttl + OLDEST_MEASUREMENT) / timedelta(milliseconds=1))
        """What was saved so long before a measurement has expired, ms."""

    def save(self, seen: Measurement) -> bool:
        """Keep `seen`, unless the stored point was measured later; tells whether it was kept."""
        return self._counted(self._save(seen, wants_point=False) == 1)

    def save_and_get(self, seen: Measurement) -> Saved:
        """As `save`; tells also how the point stands then, in the same round trip."""
        applied, is_new, *values = self._save(seen, wants_point=True)
        point = _point(seen.user_id, seen.video_id, values)
        return Saved(point, self._counted(applied == 1), is_new == 1)

    def recall(
        self, point: ResumePoint, watched_at: datetime | None, completed_at: datetime | None
    ) -> bool:
        """Tell `point` what only the archive still knew: when it was first watched and completed.

        False when it has been saved again since, and nothing was told.
        """
        key = self._keys.of_point(point.user_id, point.video_id).point
        moments = [iso(each) if each else "" for each in (watched_at, completed_at)]
        told: int = self._redis.run("recall", RECALL, [key], [iso(point.updated_at), *moments])
        return told == 1

    def is_erased(self, user_id: str, video_id: str) -> bool:
        """Whether the point was deleted, and the archive may not know it yet."""
        keys = self._keys.of_point(user_id, video_id)
        [mark] = self._redis.call("get", keys.erased, ("ZSCORE", keys.erased, keys.mark))
        return mark is not None

    def get(self, user_id: str, video_id: str) -> ResumePoint:
        """Raises NotFound when there is no such point."""
        key = self._keys.of_point(user_id, video_id).point
        [values] = self._redis.call("get", key, ("HMGET", key, *POINT_FIELDS))
        if values[0] is None:
            raise NotFound("Progress not found")
        return _point(user_id, video_id, values)

    def list(
        self,
        user_id: str,
        now: datetime,
        *,
        limit: int | None = None,
        after: Cursor | None = None,
        status: Status | None = None,
    ) -> Page:
        """At most `limit` points of a user, newest first, from `after` on; all without a limit.

        Two round trips: the index, then the points. One that goes meanwhile is left out.
        """
        index, siblings = self._keys.of_user(user_id)
        start = epoch_ms(after.updated_at) if after else "+inf"
        [flat] = self._redis.call(
            "list", index, ("ZREVRANGEBYSCORE", index, start, "-inf", "WITHSCORES")
        )
        entries: Sequence[Entry] = list(zip(flat[::2], map(int, flat[1::2]), strict=True))
        if after:
            entries = [each for each in entries if _comes_after(each, after)]
        if limit and not status:
            entries = self._enough(entries, limit, now)
        if not entries:
            return Page([], None)
        commands = [("HMGET", siblings + member, *POINT_FIELDS) for member, _ in entries]
        found = zip(entries, self._redis.call("list", index, *commands), strict=True)
        # An index entry may outlive its point, which expires by itself.
        points = [_point(user_id, unescaped(member), v) for (member, _), v in found if v[0]]
        if status:
            points = [each for each in points if status.admits(each, self._rules.watched_percent)]
        return _page(points, limit)

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

    def _save(self, seen: Measurement, *, wants_point: bool) -> Any:
        """What the script returns, once the archive's mark is made."""
        keys = self._keys.of_point(seen.user_id, seen.video_id)
        at_ms = epoch_ms(seen.measured_at)
        touched = [keys.point, keys.recent]
        if self._archive and not self._marks_apart:
            touched.append(keys.dirty)
        args: Args = [
            _text(seen.position),
            _text(seen.duration),
            iso(seen.measured_at),
            at_ms,
            *self._rules_told,
            at_ms - self._oldest_after_ms,
            keys.member,
            keys.siblings,
            keys.mark,
            _text(seen.rate),
            _text(seen.usual_duration),
            "1" if wants_point else "",
        ]
        told = self._redis.run("save", SAVE, touched, args)
        if self._marks_apart and (told[0] if wants_point else told) == 1:
            self._mark(keys.dirty, keys.mark, at_ms)
        return told

    def _counted(self, applied: bool) -> bool:  # noqa: FBT001 - what it returns
        (metrics.saves_applied if applied else metrics.saves_ignored).inc()
        return applied

    def _enough(self, entries: Sequence[Entry], limit: int, now: datetime) -> Sequence[Entry]:
        """As many of `entries` as it takes to fill a page and to tell whether there is a next one."""
        if len(entries) > limit and entries[limit][1] > epoch_ms(now) - self._ttl_seconds * 1000:
            return entries[: limit + 1]
        return entries  # some were measured so long ago that their points may have expired

    def _mark_deletion_ahead(self, user_id: str, video_id: str, now: datetime) -> None:
        """Mark a point that is there as erased, before it is: a mark must not be lost after that.

        The worker erases before it archives what still stands, so a mark too many harms nothing.
        """
        keys = self._keys.of_point(user_id, video_id)
        [there] = self._redis.call("delete", keys.point, ("EXISTS", keys.point))
        if not there:
            raise NotFound("Progress not found")
        self._mark(keys.erased, keys.mark, epoch_ms(now))

    def _mark(self, marks: str, mark: str, at_ms: int) -> None:
        self._redis.call("mark", marks, ("ZADD", marks, at_ms, mark), writes=True)


def _comes_after(entry: Entry, cursor: Cursor) -> bool:
    """Whether Redis puts `entry` behind `cursor`, which was updated at the same time or later."""
    member, updated_at = entry
    return updated_at < epoch_ms(cursor.updated_at) or member < escaped(cursor.video_id)


def _page(points: list[ResumePoint], limit: int | None) -> Page:
    if limit is None or len(points) <= limit:
        return Page(points, None)
    last = points[limit - 1]
    return Page(points[:limit], Cursor(last.updated_at, last.video_id))


def _text(number: float | None) -> str:
    return "" if number is None else number_text(number)


def _point(user_id: str, video_id: str, values: list[Any]) -> ResumePoint:
    """The point of a hash's POINT_FIELDS; every save writes the first two, the rest may be None."""
    position, updated_at, duration, percent, watched, completed = values
    return ResumePoint(
        user_id,
        video_id,
        float(position),
        datetime.fromisoformat(updated_at),
        float(duration) if duration else None,
        float(percent) if percent else None,
        watched == "1" if watched else None,
        completed == "1" if completed else None,
    )
