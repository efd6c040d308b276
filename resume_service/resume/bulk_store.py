"""Reads and writes many points in Redis at once, for the archive.

The archive is a copy of the points in Postgres. The backlog in Redis lists the points that the
archive does not have yet (see `archive/backlog.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from resume_service.clock import epoch_ms
from resume_service.redis.call import KeyedCommand
from resume_service.redis.pipeline import Pipeline, script_call
from resume_service.resume.event_arguments import EventArguments
from resume_service.resume.hash_format import (
    ARCHIVE_FIELDS,
    WRONG_TYPE,
    fields_of,
    first_times,
    is_archivable,
    log_no_point,
)
from resume_service.resume.keys import Keys
from resume_service.resume.model import ArchivedPoint, FirstTimes, PointSettings
from resume_service.resume.scripts import MERGE_POINT

ONE_SECOND = timedelta(seconds=1)
_NO_VALUES = (None,) * len(ARCHIVE_FIELDS)


class StoredPoint(NamedTuple):
    """The values of a point's hash, as text.

    All are None if the point does not exist, or if the hash is no point.
    """

    user_id: str
    video_id: str
    position: str | None
    updated_at: str | None
    duration: str | None
    percent: str | None
    watched: str | None
    watched_at: str | None
    completed: str | None
    completed_at: str | None


class BulkStore:
    """Reads and writes many points at once. Every method raises Unavailable if Redis fails."""

    def __init__(self, redis: Pipeline, keys: Keys, settings: PointSettings) -> None:
        self._redis = redis
        self._keys = keys
        self._settings = settings
        self._arguments = EventArguments(settings)

    def read(self, entries: Sequence[str]) -> list[StoredPoint]:
        """Return the points of these backlog entries, in the order of the entries."""
        points = [self._keys.of_entry(entry) for entry in entries]
        hashes = self._redis.execute(
            [(key, ("HMGET", key, *ARCHIVE_FIELDS)) for key, *_ in points], accepts_wrong_type=True
        )
        return [
            StoredPoint(user, video, *(values if is_archivable(key, values) else _NO_VALUES))
            for (key, user, video), values in zip(points, hashes, strict=True)
        ]

    def set_first_times(self, first_times_of: Sequence[FirstTimes]) -> None:
        """Add to points the times when the video was first watched and first completed.

        A later deletion or unwatched mark cancels them.
        """
        calls = [
            self._merge_call(each, first_times(each.watched_at, each.completed_at), each.updated_at)
            for each in first_times_of
        ]
        self._redis.execute(calls, MERGE_POINT, accepts_wrong_type=True)

    def restore(self, rows: Sequence[ArchivedPoint], now: datetime) -> int:
        """Merge archived points that Redis has lost. Return the number of points that changed.

        Does not write deleted points. Skips keys of another type.
        """
        calls = []
        for row in self._not_erased(rows):
            ttl = -((now - row.updated_at - self._settings.ttl) // ONE_SECOND)
            calls.append(self._merge_call(row, fields_of(row), max(now, row.updated_at), ttl))
        results = self._redis.execute(calls, MERGE_POINT, accepts_wrong_type=True)
        for (key, _), result in zip(calls, results, strict=True):
            if result is None:
                log_no_point(key, WRONG_TYPE)
        return sum(result is not None and result[0] > 0 for result in results)

    def _merge_call(
        self,
        point: ArchivedPoint | FirstTimes,
        fields: Mapping[str, str],
        arrived: datetime,
        ttl: int | None = None,
    ) -> KeyedCommand:
        keys = self._keys.of_point(point.user_id, point.video_id)
        args = self._arguments.of_archived(fields, keys, epoch_ms(arrived), ttl=ttl)
        return script_call(MERGE_POINT, [keys.point, keys.recent, keys.deleted], args)

    def _not_erased(self, rows: Sequence[ArchivedPoint]) -> list[ArchivedPoint]:
        """Return the rows without those that the previous version of the service has deleted.

        It writes an entry to the backlog, and no time of the deletion.
        """
        all_keys = [self._keys.of_point(row.user_id, row.video_id) for row in rows]
        erased = self._redis.execute(
            [(keys.erased, ("ZSCORE", keys.erased, keys.entry)) for keys in all_keys]
        )
        deleted = self._redis.execute(
            [(keys.deleted, ("ZSCORE", keys.deleted, keys.member)) for keys in all_keys]
        )
        return [
            row
            for row, entry, time in zip(rows, erased, deleted, strict=True)
            if entry is None or time is not None
        ]
