"""The points in Redis, as the archive reads them, adds to them and puts them back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from resume_service.clock import epoch_ms, iso
from resume_service.redis.pipeline import Pipeline, script_call
from resume_service.redis.script import Args
from resume_service.resume.hash_format import ARCHIVE_FIELDS, fields_of, iso_or_empty
from resume_service.resume.keys import Keys
from resume_service.resume.model import ArchivedPoint, FirstTimes, Rules
from resume_service.resume.scripts import RESTORE_POINT, SET_FIRST_TIMES

ONE_SECOND = timedelta(seconds=1)


class StoredPoint(NamedTuple):
    """A point as its hash holds it, in text; `updated_at` is None when there is none."""

    user_id: str
    video_id: str
    position: str
    updated_at: str | None
    duration: str | None
    percent: str | None
    watched: str | None
    watched_at: str | None
    completed: str | None
    completed_at: str | None


class BulkStore:
    """Every method may raise Unavailable."""

    def __init__(self, redis: Pipeline, keys: Keys, rules: Rules) -> None:
        self._redis = redis
        self._keys = keys
        self._rules = rules

    def read(self, entries: Sequence[str]) -> list[StoredPoint]:
        """The points that `entries` stand for, in their order."""
        named = [self._keys.of_entry(entry) for entry in entries]
        hashes = self._redis.execute([(key, ("HMGET", key, *ARCHIVE_FIELDS)) for key, *_ in named])
        return [
            StoredPoint(user, video, *values)
            for (_, user, video), values in zip(named, hashes, strict=True)
        ]

    def set_first_times(self, first_times: Sequence[FirstTimes]) -> None:
        """Give points their first times back, unless they have been saved again since."""
        calls = [
            script_call(
                SET_FIRST_TIMES,
                [self._keys.of_point(each.user_id, each.video_id).point],
                [
                    iso(each.updated_at),
                    iso_or_empty(each.watched_at),
                    iso_or_empty(each.completed_at),
                ],
            )
            for each in first_times
        ]
        self._redis.execute(calls, SET_FIRST_TIMES)

    def restore(self, rows: Sequence[ArchivedPoint], now: datetime) -> int:
        """How many of the archived points were put back: those that Redis did not hold."""
        if self._keys.hash_tags:
            rows = self._not_erased(rows)
        return sum(
            self._redis.execute([self._restore_call(row, now) for row in rows], RESTORE_POINT)
        )

    def _restore_call(self, row: ArchivedPoint, now: datetime) -> Any:
        keys = self._keys.of_point(row.user_id, row.video_id)
        touched = [keys.point, keys.recent]
        if not self._keys.hash_tags:
            touched += [keys.erased, self._keys.of_backlog()[0].restored]
        left = -((now - row.updated_at - self._rules.ttl) // ONE_SECOND)
        args: Args = [
            iso(row.updated_at),
            epoch_ms(row.updated_at),
            left,
            self._rules.max_points,
            keys.member,
            keys.point_prefix,
            keys.entry,
            iso_or_empty(row.watched_at),
            iso_or_empty(row.completed_at),
            json.dumps(fields_of(row)),
        ]
        return script_call(RESTORE_POINT, touched, args)

    def _not_erased(self, rows: Sequence[ArchivedPoint]) -> list[ArchivedPoint]:
        """In a cluster the marks are on other servers, and no script sees both."""
        keys = [self._keys.of_point(row.user_id, row.video_id) for row in rows]
        scores = self._redis.execute([(k.erased, ("ZSCORE", k.erased, k.entry)) for k in keys])
        return [row for row, score in zip(rows, scores, strict=True) if score is None]
