"""Where resume points are kept: the only code that speaks to Redis about them.

Redis holds, with `:` and `%` inside ids percent-escaped so that no two pairs of ids share a key:

    resume:<user>:<video>  hash  currentTime (s), updatedAt (ISO 8601), and where known duration (s),
                                 percent, watched, completed (0 or 1), watchedAt, completedAt;
                                 gone RESUME_TTL_DAYS after the last save
    recent:<user>          zset  video -> updatedAt in ms; the newest RESUME_MAX_POINTS; same expiry
    archive:dirty          zset  <user>:<video> -> updatedAt in ms: saved, not yet archived
    archive:erased         zset  <user>:<video> -> when deleted, ms: not yet erased from the archive

The last two exist only where an archive is configured. Each method is one round trip: one script,
in which all of that changes together or not at all. A point read back is the hash as it stands;
the rules that shape it are in `save_point.lua`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

import redis

from resume_service import metrics
from resume_service.errors import NotFound
from resume_service.resume.model import (
    GREATEST_NUMBER,
    Cursor,
    Measurement,
    Page,
    ResumePoint,
    Status,
    epoch_ms,
    iso,
)
from resume_service.resume.redis_gate import RedisGate

POINT_FIELDS = ("currentTime", "updatedAt", "duration", "percent", "watched", "completed")
OLDEST_MEASUREMENT = timedelta(milliseconds=GREATEST_NUMBER)
"""How old a measurement may be when it arrives."""


class ResumeStore:
    """Saves, reads, lists and deletes resume points. Every method may raise Unavailable."""

    def __init__(
        self,
        client: redis.Redis,
        *,
        ttl: timedelta = timedelta(days=30),
        max_points: int = 1000,
        watched_percent: int = 90,
        archive: bool = False,
    ) -> None:
        self._redis = client
        self._gate = RedisGate()
        self._ttl = ttl
        self._max_points = max_points
        self._watched_percent = watched_percent
        self._archive = archive
        self._save_point = _script(client, "save_point.lua")
        self._list_points = _script(client, "list_points.lua")
        self._delete_point = _script(client, "delete_point.lua")

    def save(self, seen: Measurement) -> bool:
        """Keep `seen`, unless the stored point was measured later; tells whether it was kept."""
        keys = [_point_key(seen.user_id, seen.video_id), _index_key(seen.user_id)]
        if self._archive:
            keys.append("archive:dirty")
        args = [
            _number_text(seen.position),
            "" if seen.duration is None else _number_text(seen.duration),
            iso(seen.measured_at),
            epoch_ms(seen.measured_at),
            int(self._ttl.total_seconds()),
            self._max_points,
            self._watched_percent,
            epoch_ms(seen.measured_at - self._ttl - OLDEST_MEASUREMENT),
            _escaped(seen.video_id),
            _point_key(seen.user_id, ""),
            _mark(seen.user_id, seen.video_id),
        ]
        applied: bool = self._gate.call("save", lambda: self._save_point(keys, args)) == 1
        metrics.saves.labels("applied" if applied else "ignored").inc()
        return applied

    def get(self, user_id: str, video_id: str) -> ResumePoint:
        """Raises NotFound when there is no such point."""
        key = _point_key(user_id, video_id)
        values: Any = self._gate.call("get", lambda: self._redis.hmget(key, POINT_FIELDS))
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
        keys = [_index_key(user_id)]
        args = [
            _point_key(user_id, ""),
            limit or 0,
            epoch_ms(after.updated_at) if after else "",
            _escaped(after.video_id) if after else "",
            status or "",
            self._watched_percent,
        ]
        rows = self._gate.call("list", lambda: self._list_points(keys, args))
        points = [_point(user_id, _unescaped(video), values) for video, *values in rows[:limit]]
        if len(rows) == len(points):
            return Page(points, None)
        return Page(points, Cursor(points[-1].updated_at, points[-1].video_id))

    def delete(self, user_id: str, video_id: str, now: datetime) -> None:
        """Raises NotFound when there is no such point."""
        keys = [_point_key(user_id, video_id), _index_key(user_id)]
        if self._archive:
            keys += ["archive:dirty", "archive:erased"]
        args = [_escaped(video_id), epoch_ms(now), _mark(user_id, video_id)]
        if self._gate.call("delete", lambda: self._delete_point(keys, args)) == 0:
            raise NotFound("Progress not found")

    def ping(self) -> None:
        """Raises Unavailable unless Redis answers."""
        self._gate.call("ping", self._redis.ping)


def _script(client: redis.Redis, name: str) -> Callable[[Sequence[str], Sequence[Any]], Any]:
    """A call of the script: by its hash, and by its text where Redis has lost it."""
    text = files("resume_service.resume").joinpath(name).read_text()
    sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()

    def call(keys: Sequence[str], args: Sequence[Any]) -> Any:
        try:
            return client.evalsha(sha, len(keys), *keys, *args)
        except redis.exceptions.NoScriptError:
            return client.eval(text, len(keys), *keys, *args)

    return call


def _point_key(user_id: str, video_id: str) -> str:
    return f"resume:{_mark(user_id, video_id)}"


def _index_key(user_id: str) -> str:
    return f"recent:{_escaped(user_id)}"


def _mark(user_id: str, video_id: str) -> str:
    return f"{_escaped(user_id)}:{_escaped(video_id)}"


def _escaped(an_id: str) -> str:
    return an_id.replace("%", "%25").replace(":", "%3A")


def _unescaped(text: str) -> str:
    return text.replace("%3A", ":").replace("%25", "%")


def _number_text(number: float) -> str:
    return str(int(number)) if number == int(number) else repr(number)


def _point(user_id: str, video_id: str, values: list[Any]) -> ResumePoint:
    """The point of a hash's POINT_FIELDS; every save writes the first two, the rest may be None."""
    position, updated_at, duration, percent, watched, completed = values
    return ResumePoint(
        user_id=user_id,
        video_id=video_id,
        position=float(position),
        updated_at=datetime.fromisoformat(updated_at).astimezone(UTC),
        duration=float(duration) if duration else None,
        percent=float(percent) if percent else None,
        watched=watched == "1" if watched else None,
        completed=completed == "1" if completed else None,
    )
