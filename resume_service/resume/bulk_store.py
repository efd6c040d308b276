"""Reads and writes many points in Redis at once, for the archive.

The archive is a copy of the points in Postgres. The backlog in Redis lists the points that the
archive does not have yet (see `archive/backlog.py`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from resume_service.clock import epoch_ms, iso
from resume_service.redis.pipeline import KeyedCommand, Pipeline, script_call
from resume_service.redis.script import Args
from resume_service.resume.hash_format import (
    ARCHIVE_FIELDS,
    WRONG_TYPE,
    fields_of,
    is_archivable,
    iso_or_empty,
    log_no_point,
)
from resume_service.resume.keys import Keys
from resume_service.resume.model import ArchivedPoint, FirstTimes, PointSettings
from resume_service.resume.scripts import RESTORE_POINT, SET_FIRST_TIMES

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

    def set_first_times(self, first_times: Sequence[FirstTimes]) -> None:
        """Add to points the times when the video was first watched and first completed.

        Skips a point that was saved or deleted since the flush read it.
        """
        calls = [
            script_call(
                SET_FIRST_TIMES,
                [self._keys.point(each.user_id, each.video_id)],
                [
                    iso(each.updated_at),
                    iso_or_empty(each.watched_at),
                    iso_or_empty(each.completed_at),
                ],
            )
            for each in first_times
        ]
        self._redis.execute(calls, SET_FIRST_TIMES, accepts_wrong_type=True)

    def restore(self, rows: Sequence[ArchivedPoint], now: datetime) -> int:
        """Write archived points that Redis has lost. Return the number of points written.

        Does not write deleted points. Does not replace newer points. Skips keys of another type.
        """
        if self._keys.hash_tags:
            rows = self._not_erased(rows)
        calls = [self._restore_call(row, now) for row in rows]
        results = self._redis.execute(calls, RESTORE_POINT, accepts_wrong_type=True)
        for (key, _), result in zip(calls, results, strict=True):
            if result is None:
                log_no_point(key, WRONG_TYPE)
        return sum(result or 0 for result in results)

    def _restore_call(self, row: ArchivedPoint, now: datetime) -> KeyedCommand:
        keys = self._keys.of_point(row.user_id, row.video_id)
        script_keys = [keys.point, keys.recent]
        if not self._keys.hash_tags:
            script_keys += [keys.erased, self._keys.of_backlog()[0].restored]
        seconds_left = -((now - row.updated_at - self._settings.ttl) // ONE_SECOND)
        args: Args = [
            iso(row.updated_at),
            epoch_ms(row.updated_at),
            seconds_left,
            self._settings.max_points,
            keys.member,
            keys.point_prefix,
            keys.entry,
            iso_or_empty(row.watched_at),
            iso_or_empty(row.completed_at),
            json.dumps(fields_of(row)),
        ]
        return script_call(RESTORE_POINT, script_keys, args)

    def _not_erased(self, rows: Sequence[ArchivedPoint]) -> list[ArchivedPoint]:
        """Return the rows without those of deleted points.

        In a cluster, the script can't check this, because the backlog may be on another server.
        """
        point_keys = [self._keys.of_point(row.user_id, row.video_id) for row in rows]
        scores = self._redis.execute(
            [(keys.erased, ("ZSCORE", keys.erased, keys.entry)) for keys in point_keys]
        )
        return [row for row, score in zip(rows, scores, strict=True) if score is None]
