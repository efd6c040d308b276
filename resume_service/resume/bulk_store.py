"""The points in Redis, as the archive reads them, adds to them and puts them back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from resume_service.redis.pipeline import RedisBatches, call_of
from resume_service.redis.router import Args, Script
from resume_service.resume.keys import Keys
from resume_service.resume.model import Rules, epoch_ms, iso, number_text

FIELDS = (
    "currentTime",
    "updatedAt",
    "duration",
    "percent",
    "watched",
    "watchedAt",
    "completed",
    "completedAt",
)
SCRIPTS = "resume_service.resume.scripts"
RECALL = Script("set_first_times.lua", SCRIPTS)
PUT_BACK = Script("restore_point.lua", SCRIPTS)
ONE_SECOND = timedelta(seconds=1)


class LivePoint(NamedTuple):
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


class ArchivedPoint(NamedTuple):
    """A row of the archive."""

    user_id: str
    video_id: str
    position: float
    """Seconds."""
    updated_at: datetime
    duration: float | None
    """Seconds."""
    percent: float | None
    watched: bool
    watched_at: datetime | None
    completed: bool
    completed_at: datetime | None


class Recalled(NamedTuple):
    """What the archive knew of a point that Redis did not."""

    user_id: str
    video_id: str
    updated_at: datetime
    watched_at: datetime | None
    completed_at: datetime | None


class LivePoints:
    """Every method may raise Unavailable."""

    def __init__(self, redis: RedisBatches, keys: Keys, rules: Rules) -> None:
        self._redis = redis
        self._keys = keys
        self._rules = rules

    def read(self, marks: Sequence[str]) -> list[LivePoint]:
        """The points that `marks` stand for, in their order."""
        named = [self._keys.of_mark(mark) for mark in marks]
        hashes = self._redis.answers([(key, ("HMGET", key, *FIELDS)) for key, *_ in named])
        return [
            LivePoint(user, video, *values)
            for (_, user, video), values in zip(named, hashes, strict=True)
        ]

    def recall(self, recalled: Sequence[Recalled]) -> None:
        """Give points their first times back, unless they have been saved again since."""
        calls = [
            call_of(
                RECALL,
                [self._keys.of_point(each.user_id, each.video_id).point],
                [iso(each.updated_at), _iso(each.watched_at), _iso(each.completed_at)],
            )
            for each in recalled
        ]
        self._redis.answers(calls, RECALL)

    def put_back(self, rows: Sequence[ArchivedPoint], now: datetime) -> int:
        """How many of the archived points were put back: those that Redis did not hold."""
        if self._keys.hash_tags:
            rows = self._not_erased(rows)
        return sum(self._redis.answers([self._putting_back(row, now) for row in rows], PUT_BACK))

    def _putting_back(self, row: ArchivedPoint, now: datetime) -> Any:
        keys = self._keys.of_point(row.user_id, row.video_id)
        touched = [keys.point, keys.recent]
        if not self._keys.hash_tags:
            touched += [keys.erased, self._keys.of_marks()[0].restored]
        left = -((now - row.updated_at - self._rules.ttl) // ONE_SECOND)
        args: Args = [
            iso(row.updated_at),
            epoch_ms(row.updated_at),
            left,
            self._rules.max_points,
            keys.member,
            keys.siblings,
            keys.mark,
            _iso(row.watched_at),
            _iso(row.completed_at),
            json.dumps(_fields(row)),
        ]
        return call_of(PUT_BACK, touched, args)

    def _not_erased(self, rows: Sequence[ArchivedPoint]) -> list[ArchivedPoint]:
        """In a cluster the marks are on other servers, and no script sees both."""
        keys = [self._keys.of_point(row.user_id, row.video_id) for row in rows]
        scores = self._redis.answers([(k.erased, ("ZSCORE", k.erased, k.mark)) for k in keys])
        return [row for row, score in zip(rows, scores, strict=True) if score is None]


def _fields(row: ArchivedPoint) -> list[str]:
    """The fields of a hash as `save_point.lua` writes them, but for those kept for good."""
    fields = ["currentTime", number_text(row.position), "updatedAt", iso(row.updated_at)]
    if row.duration is not None:
        fields += ["duration", number_text(row.duration)]
    if row.percent is not None:
        fields += ["percent", f"{row.percent:.2f}", "watched", str(int(row.watched))]
        fields += ["completed", str(int(row.completed))]
    return fields


def _iso(moment: datetime | None) -> str:
    return iso(moment) if moment else ""
