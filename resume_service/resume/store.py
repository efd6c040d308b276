"""Saves, reads, lists and deletes resume points (positions at which a user can continue a video).

Data dictionary (`keys.py` builds the names of the keys):

    resume:<user>:<video>  hash  The point: currentTime (s), updatedAt (ISO 8601). If known:
                                 duration (s), percent (saved rates need no duration), watched,
                                 completed (0 or 1), watchedAt, completedAt (ISO 8601), device.
                                 rate (%): the point is a rate. state (JSON): times of events that
                                 the other fields can't express (`scripts/point_state.lua`).
                                 Expires RESUME_TTL_DAYS after the last save or mark that changed
                                 it. Without currentTime, it has marks of a missing point.
    recent:<user>          zset  The index of the user's newest RESUME_MAX_POINTS points:
                                 video -> updatedAt in ms. Expires like the points.
    deleted:<user>         zset  The user's newest RESUME_MAX_POINTS deletions: video -> time in ms.
                                 Expires RESUME_TTL_DAYS after the last deletion.
    live:<user>            zset  The user's open live streams: <process>:<number> -> end of the
                                 lease in ms. Expires with the last lease. It is also the name of a
                                 channel: while the key exists, each change publishes its video.
    archive:dirty          zset  Saved or marked points, not yet archived: <user>:<video> -> arrival
                                 in ms
    archive:erased         zset  Deleted points of which the archive may still have the row:
                                 <user>:<video> -> time of the deletion in ms, and a fraction
                                 (`backlog_entry.py`)
    archive:restored       string  Missing if Redis has lost its data and needs a restore.

The archive is an optional copy of the points in Postgres. Without it, no `archive:` key exists. The
entries of `archive:dirty` and `archive:erased` are the backlog, which the archive must still
process. In a Redis Cluster, each of the three `archive:` keys is split into 64 shards.

One script merges an event in one round trip. In a Redis Cluster, the backlog entry may be on another
server. Then separate round trips write the entry before the event is acknowledged.

The rules are in `scripts/merge_point.lua`.
"""

from __future__ import annotations

from collections.abc import Sequence

from resume_service.clock import MILLISECOND
from resume_service.errors import NotFound, Unavailable
from resume_service.paging import Cursor, CursorPage
from resume_service.redis.hashes import read_each_hash, read_hash
from resume_service.redis.operation import Operation
from resume_service.redis.router import RedisRouter
from resume_service.resume.event_arguments import EventArguments
from resume_service.resume.events import Event, Events
from resume_service.resume.hash_format import POINT_FIELDS, point_from
from resume_service.resume.keys import Keys
from resume_service.resume.listing import PointList
from resume_service.resume.merge_state import NEVER
from resume_service.resume.model import (
    ArchivedPoint,
    Deletion,
    Mark,
    Measurement,
    PointSettings,
    ResumePoint,
    Saved,
    Status,
)
from resume_service.resume.state_json import unwatched_at
from resume_service.telemetry import metrics

NO_POINT = "Progress not found"


class ResumeStore:
    """The points of all users. Every operation raises Unavailable if Redis fails."""

    def __init__(
        self,
        redis: RedisRouter,
        keys: Keys,
        settings: PointSettings,
        *,
        archive: bool = False,
        fixed_clock: bool = False,
    ) -> None:
        """If `fixed_clock`, events arrive at their `arrived_ms`. Else they arrive at Redis' time."""
        self.longest_age_ms = settings.ttl // MILLISECOND
        """Greatest valid `age_ms` of an event."""
        self._redis = redis
        self._keys = keys
        self._list = PointList(redis, keys, settings)
        arguments = EventArguments(settings, fixed_clock=fixed_clock)
        self._events = Events(redis, keys, arguments, archive=archive)

    def save(self, measurement: Measurement) -> Operation[bool]:
        """Merge a save. Return whether it is the latest one, so that it decides the position.

        Raises ValueError unless the measurement has either a position or a rate.
        """
        return self._events.save(measurement)

    def save_and_get(self, measurement: Measurement) -> Operation[Saved]:
        """Save like `save`, and return the stored point after the save, all in one round trip."""
        applied, is_new, values = yield from self._events.save_and_get(measurement)
        point = self._point(measurement.user_id, measurement.video_id, values)
        return Saved(point, applied, is_new)

    def delete(self, mark: Mark) -> Operation[Deletion]:
        """Delete the events of a point that are not newer than the mark. A later save stays."""
        return self._events.mark(mark)

    def mark(self, mark: Mark) -> Operation[Deletion]:
        """Merge a mark, or a deletion like `delete`. Return whether the point existed before.

        A watched mark creates a missing point. Other marks of a missing point wait for its save.
        """
        return self._events.mark(mark)

    def batch(self, events: Sequence[Event]) -> Operation[list[bool | Deletion | Unavailable]]:
        """Merge `events` in their order, in one round trip to each Redis server.

        Each item of the result belongs to the event at the same place. For a save or a rate, it is
        the result of `save`. For a deletion or a mark, it is a Deletion. If Redis fails, it is
        Unavailable. It does no harm to send the same events again.
        """
        results = yield from self._events.batch(events)
        for result in results:
            if isinstance(result, bool):
                metrics.count_save(result)
        return results

    def merge(self, row: ArchivedPoint, arrived_ms: int) -> Operation[ResumePoint | None]:
        """Merge an archived point. Return the point after that, or None if it was deleted."""
        values = yield from self._events.merge(row, arrived_ms)
        return self._point(row.user_id, row.video_id, values)

    def deleted_at(self, user_id: str, video_id: str) -> Operation[int | None]:
        """Return the time of the latest deletion in ms since 1970, or None if there was none.

        An archived point that is not newer is deleted.
        """
        keys = self._keys.of_point(user_id, video_id)
        command = ("ZSCORE", keys.deleted, keys.member)
        [score] = yield from self._redis.call("get", keys.deleted, command)
        try:
            return None if score is None else int(float(score))
        except ValueError:
            raise Unavailable from None  # the reply is garbled

    def unwatched_at(self, user_id: str, video_id: str) -> Operation[int]:
        """Return the time of the latest unwatched mark in ms since 1970, or NEVER.

        Redis has it also if it has no point. Raises Unavailable if the hash is not valid.
        """
        key = self._keys.point(user_id, video_id)
        values = yield from read_hash(self._redis, key, ("state",))
        try:
            [text] = values or [None]
            return unwatched_at(text) if text else NEVER
        except ValueError:
            raise Unavailable from None  # another program has written it

    def get(self, user_id: str, video_id: str) -> Operation[ResumePoint]:
        """Return the point. Raises NotFound if the point does not exist."""
        key = self._keys.point(user_id, video_id)
        values = yield from read_hash(self._redis, key, POINT_FIELDS)
        point = point_from(key, user_id, video_id, values)
        if point is None:
            raise NotFound(NO_POINT)
        return point

    def get_each(
        self, points: Sequence[tuple[str, str]]
    ) -> Operation[list[ResumePoint | Unavailable | None]]:
        """Return the point of each pair of user and video, in one round trip to each server.

        An item is None if the point does not exist, and Unavailable if its server fails.
        """
        keys = [self._keys.point(*point) for point in points]
        hashes = yield from read_each_hash(self._redis, keys, POINT_FIELDS)
        return [
            values if isinstance(values, Unavailable) else point_from(key, *point, values)
            for key, point, values in zip(keys, points, hashes, strict=True)
        ]

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

    def _point(self, user_id: str, video_id: str, values: Sequence[object]) -> ResumePoint | None:
        key = self._keys.point(user_id, video_id)
        return point_from(key, user_id, video_id, [*values])
