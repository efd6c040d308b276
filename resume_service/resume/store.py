"""Saves, reads, lists and deletes resume points (positions at which a user can continue a video).

Data dictionary (`keys.py` builds the names of the keys):

    resume:<user>:<video>  hash  The point: currentTime (s), updatedAt (ISO 8601). If known:
                                 duration (s), percent (saved rates need no duration), watched,
                                 completed (0 or 1), watchedAt, completedAt (ISO 8601).
                                 Expires RESUME_TTL_DAYS after the last save.
    recent:<user>          zset  The index of the user's newest RESUME_MAX_POINTS points:
                                 video -> updatedAt in ms. Expires like the points.
    archive:dirty          zset  Saved points, not yet archived: <user>:<video> -> updatedAt in ms
    archive:erased         zset  Deleted points of which the archive may still have the row:
                                 <user>:<video> -> time of deletion in ms
    archive:restored       string  Missing if Redis has lost its data and needs a restore.

The archive is an optional copy of the points in Postgres. Without it, no `archive:` key exists. The
entries of `archive:dirty` and `archive:erased` are the backlog, which the archive must still
process. In a Redis Cluster, each of the three `archive:` keys is split into 64 shards.

One script executes a save or a deletion in one round trip. In a Redis Cluster, the backlog entry may
be on another server. Then a separate round trip writes the entry before the save returns.

The rules of a save are in `scripts/save_point.lua`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from resume_service.errors import NotFound, Unavailable
from resume_service.paging import Cursor, CursorPage
from resume_service.redis.hashes import read_hash
from resume_service.redis.operation import Operation
from resume_service.redis.router import RedisRouter
from resume_service.redis.script import Args
from resume_service.resume.hash_format import POINT_FIELDS, iso_or_empty, point_from
from resume_service.resume.keys import Keys, PointKeys
from resume_service.resume.listing import PointList
from resume_service.resume.model import (
    Measurement,
    PointSettings,
    ResumePoint,
    Saved,
    Status,
)
from resume_service.resume.save_arguments import SaveArguments
from resume_service.resume.scripts import (
    DELETE_POINT,
    SAVE_POINT,
    SET_FIRST_TIMES,
    has_changed_point,
)
from resume_service.resume.separate_backlog import SeparateBacklog
from resume_service.telemetry import metrics

NO_POINT = "Progress not found"


class ResumeStore:
    """The points of all users. Every operation raises Unavailable if Redis fails."""

    def __init__(
        self, redis: RedisRouter, keys: Keys, settings: PointSettings, *, archive: bool = False
    ) -> None:
        self._redis = redis
        self._keys = keys
        self._list = PointList(redis, keys, settings)
        self._archive = archive
        is_separate = archive and keys.hash_tags
        self._separate_backlog = SeparateBacklog(redis) if is_separate else None
        self._save_arguments = SaveArguments(settings)

    def save(self, measurement: Measurement) -> Operation[bool]:
        """Store the measurement, unless the stored point was measured later.

        Return True if the measurement was stored. Raises ValueError unless the measurement has
        either a position or a rate.
        """
        keys = self._keys.of_point(measurement.user_id, measurement.video_id)
        result = yield from self._run_save(measurement, keys, wants_point=False)
        applied = has_changed_point(result, measurement.measured_at_ms)
        if applied and self._separate_backlog:
            yield from self._separate_backlog.add_saved(keys, measurement.measured_at_ms)
        return metrics.count_save(applied)

    def save_and_get(self, measurement: Measurement) -> Operation[Saved]:
        """Save like `save`, and return the stored point after the save, all in one round trip.

        Raises Unavailable if the hash is no point, and its `updatedAt` prevents the save.
        """
        keys = self._keys.of_point(measurement.user_id, measurement.video_id)
        result = yield from self._run_save(measurement, keys, wants_point=True)
        first, is_new, *values = result
        applied = has_changed_point(first, measurement.measured_at_ms)
        if applied and self._separate_backlog:
            yield from self._separate_backlog.add_saved(keys, measurement.measured_at_ms)
        metrics.count_save(applied)
        point = point_from(keys.point, measurement.user_id, measurement.video_id, values)
        if point is None:
            raise Unavailable
        return Saved(point, applied, is_new == 1)

    def set_first_times(
        self, point: ResumePoint, watched_at: datetime | None, completed_at: datetime | None
    ) -> Operation[bool]:
        """Add to `point` the times when the video was first watched and first completed.

        Return True if the times were added. Return False and change nothing if the stored point is
        not `point` any more, because it was saved or deleted.
        """
        key = self._keys.point(point.user_id, point.video_id)
        moments = [point.updated_at, iso_or_empty(watched_at), iso_or_empty(completed_at)]
        result = yield from self._redis.run("set_first_times", SET_FIRST_TIMES, [key], [*moments])
        return bool(result == 1)

    def is_deletion_pending(self, user_id: str, video_id: str) -> Operation[bool]:
        """Return True if the point was deleted and the archive may still have its row."""
        if not self._archive:
            return False
        keys = self._keys.of_point(user_id, video_id)
        command = ("ZSCORE", keys.erased, keys.entry)
        [entry] = yield from self._redis.call("get", keys.erased, command)
        return entry is not None

    def get(self, user_id: str, video_id: str) -> Operation[ResumePoint]:
        """Return the point. Raises NotFound if the point does not exist."""
        key = self._keys.point(user_id, video_id)
        values = yield from read_hash(self._redis, key, POINT_FIELDS)
        point = point_from(key, user_id, video_id, values)
        if point is None:
            raise NotFound(NO_POINT)
        return point

    def list(
        self,
        user_id: str,
        now_ms: int,
        *,
        limit: int | None = None,
        after: Cursor | None = None,
        status: Status | None = None,
    ) -> Operation[CursorPage[ResumePoint]]:
        """Return a page of the user's points (see `PointList.page`)."""
        return self._list.page(user_id, now_ms, limit=limit, after=after, status=status)

    def delete(self, user_id: str, video_id: str, now_ms: int) -> Operation[None]:
        """Delete the point. Raises NotFound if the point does not exist."""
        keys = self._keys.of_point(user_id, video_id)
        script_keys = [keys.point, keys.recent]
        if self._separate_backlog:
            if not (yield from self._separate_backlog.add_deleted_first(keys, now_ms)):
                raise NotFound(NO_POINT)
        elif self._archive:
            script_keys += [keys.dirty, keys.erased]
        args: Args = [keys.member, now_ms, keys.entry]
        result = yield from self._redis.run("delete", DELETE_POINT, script_keys, args)
        if self._separate_backlog:
            # Add the entry a second time. Since the first time, a flush may have removed the entry,
            # because the point still existed then.
            yield from self._separate_backlog.add_deleted(keys, now_ms)
        if not has_changed_point(result, now_ms):
            raise NotFound(NO_POINT)

    def _run_save(
        self, measurement: Measurement, keys: PointKeys, *, wants_point: bool
    ) -> Operation[Any]:
        """Return the operation that runs the script of a save. Its result is that of the script."""
        script_keys = [keys.point, keys.recent]
        if self._archive and not self._separate_backlog:
            script_keys.append(keys.dirty)
        args = self._save_arguments.of(measurement, keys, wants_point=wants_point)
        return self._redis.run("save", SAVE_POINT, script_keys, args)
