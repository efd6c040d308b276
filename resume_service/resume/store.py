"""Saves, reads, lists and deletes resume points in Redis.

Data dictionary (`keys.py` builds the names):

    resume:<user>:<video>  hash  currentTime (s), updatedAt (ISO 8601). If known: duration (s),
                                 percent, watched, completed (0 or 1), watchedAt, completedAt.
                                 A rate without a known duration stores percent without duration.
                                 Expires RESUME_TTL_DAYS after the last save.
    recent:<user>          zset  video -> updatedAt in ms; the newest RESUME_MAX_POINTS; same expiry
    archive:dirty          zset  <user>:<video> -> updatedAt in ms: saved, not yet archived
    archive:erased         zset  <user>:<video> -> time of deletion in ms: row not yet deleted
    archive:restored       string  present when this Redis holds the archived points

The last three exist only with an archive. A Redis Cluster has 64 shards of each.

A save or a deletion is one script in one round trip: hash, index and backlog entry change together.
In a Redis Cluster the backlog entry is on another server and takes its own round trip. A save is
acknowledged only after its backlog entry is written. The rules of a save are in
`scripts/save_point.lua`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from resume_service.clock import MILLISECOND, epoch_ms, iso
from resume_service.errors import NotFound
from resume_service.paging import Cursor, CursorPage
from resume_service.redis.router import RedisRouter
from resume_service.redis.script import Args
from resume_service.resume.hash_format import (
    POINT_FIELDS,
    iso_or_empty,
    number_or_empty,
    point_from,
)
from resume_service.resume.keys import Keys
from resume_service.resume.listing import PointList
from resume_service.resume.model import (
    LONGEST_AGE,
    Measurement,
    PointSettings,
    ResumePoint,
    Saved,
    Status,
)
from resume_service.resume.scripts import DELETE_POINT, SAVE_POINT, SET_FIRST_TIMES
from resume_service.telemetry import metrics

NO_POINT = "Progress not found"


class ResumeStore:
    """The points of all users. Every method may raise Unavailable."""

    def __init__(
        self, redis: RedisRouter, keys: Keys, settings: PointSettings, *, archive: bool = False
    ) -> None:
        self._redis = redis
        self._keys = keys
        self._list = PointList(redis, keys, settings)
        self._archive = archive
        self._separate_backlog = archive and keys.hash_tags
        """In a cluster, the backlog and the points are on different servers."""
        ttl_seconds = int(settings.ttl.total_seconds())
        self._settings_args = (
            str(ttl_seconds),
            str(settings.max_points),
            str(settings.watched_percent),
        )
        """Arguments of the save script, formatted once instead of for each save."""
        self._oldest_after_ms = (settings.ttl + LONGEST_AGE) // MILLISECOND
        """Milliseconds. An index entry this much older than a measurement has expired."""

    def save(self, measurement: Measurement) -> bool:
        """Store the measurement, unless the stored point is later. Return whether it was stored."""
        return _counted(self._save(measurement, wants_point=False) == 1)

    def save_and_get(self, measurement: Measurement) -> Saved:
        """As `save`. Also return the point after the save, in the same round trip."""
        applied, is_new, *values = self._save(measurement, wants_point=True)
        point = point_from(measurement.user_id, measurement.video_id, values)
        return Saved(point, _counted(applied == 1), is_new == 1)

    def set_first_times(
        self, point: ResumePoint, watched_at: datetime | None, completed_at: datetime | None
    ) -> bool:
        """Add first times from the archive to `point`.

        Return False and change nothing if the point was saved again since it was read.
        """
        key = self._keys.of_point(point.user_id, point.video_id).point
        moments = [iso(point.updated_at), iso_or_empty(watched_at), iso_or_empty(completed_at)]
        return bool(self._redis.run("set_first_times", SET_FIRST_TIMES, [key], [*moments]) == 1)

    def is_erased(self, user_id: str, video_id: str) -> bool:
        """Whether the point is deleted and its archived row may still exist."""
        if not self._archive:
            return False
        keys = self._keys.of_point(user_id, video_id)
        [entry] = self._redis.call("get", keys.erased, ("ZSCORE", keys.erased, keys.entry))
        return entry is not None

    def get(self, user_id: str, video_id: str) -> ResumePoint:
        """Raises NotFound if there is no such point."""
        key = self._keys.of_point(user_id, video_id).point
        [values] = self._redis.call("get", key, ("HMGET", key, *POINT_FIELDS))
        if values[0] is None:
            raise NotFound(NO_POINT)
        return point_from(user_id, video_id, values)

    def list(
        self,
        user_id: str,
        now: datetime,
        *,
        limit: int | None = None,
        after: Cursor | None = None,
        status: Status | None = None,
    ) -> CursorPage[ResumePoint]:
        """A page of the user's points, newest first (see `PointList.page`)."""
        return self._list.page(user_id, now, limit=limit, after=after, status=status)

    def delete(self, user_id: str, video_id: str, now: datetime) -> None:
        """Raises NotFound if there is no such point."""
        keys = self._keys.of_point(user_id, video_id)
        script_keys = [keys.point, keys.recent]
        if self._separate_backlog:
            self._record_deletion_first(user_id, video_id, now)
        elif self._archive:
            script_keys += [keys.dirty, keys.erased]
        args: Args = [keys.member, epoch_ms(now), keys.entry]
        is_deleted = self._redis.run("delete", DELETE_POINT, script_keys, args) == 1
        if self._separate_backlog:
            # Again: a flush in between may have seen the point and removed the first entry.
            self._add_entry(keys.erased, keys.entry, epoch_ms(now))
        if not is_deleted:
            raise NotFound(NO_POINT)

    def _save(self, measurement: Measurement, *, wants_point: bool) -> Any:
        """The result of the save script, after the backlog entry is written."""
        keys = self._keys.of_point(measurement.user_id, measurement.video_id)
        at_ms = epoch_ms(measurement.measured_at)
        script_keys = [keys.point, keys.recent]
        if self._archive and not self._separate_backlog:
            script_keys.append(keys.dirty)
        args: Args = [
            number_or_empty(measurement.position),
            number_or_empty(measurement.duration),
            iso(measurement.measured_at),
            at_ms,
            *self._settings_args,
            at_ms - self._oldest_after_ms,
            keys.member,
            keys.point_prefix,
            keys.entry,
            number_or_empty(measurement.rate),
            number_or_empty(measurement.usual_duration),
            "1" if wants_point else "",
        ]
        result = self._redis.run("save", SAVE_POINT, script_keys, args)
        if self._separate_backlog and (result[0] if wants_point else result) == 1:
            self._add_entry(keys.dirty, keys.entry, at_ms)
        return result

    def _record_deletion_first(self, user_id: str, video_id: str, now: datetime) -> None:
        """Add the backlog entry of a deletion before the deletion. So it can't be lost.

        An unneeded entry does no harm: the worker keeps the row of a point that still exists.
        """
        keys = self._keys.of_point(user_id, video_id)
        [exists] = self._redis.call("delete", keys.point, ("EXISTS", keys.point))
        if not exists:
            raise NotFound(NO_POINT)
        self._add_entry(keys.erased, keys.entry, epoch_ms(now))

    def _add_entry(self, backlog: str, entry: str, at_ms: int) -> None:
        self._redis.call("mark", backlog, ("ZADD", backlog, at_ms, entry), writes=True)


def _counted(applied: bool) -> bool:  # noqa: FBT001 - the value it returns
    (metrics.saves_applied if applied else metrics.saves_ignored).inc()
    return applied
