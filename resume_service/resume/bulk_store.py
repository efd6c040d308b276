"""Reads and merges many points in Redis at once, for the archive.

The archive is a copy of the points in Postgres. The backlog in Redis lists the points that the
archive does not have yet (see `archive/backlog.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from resume_service.clock import Clock, epoch_ms, system_clock
from resume_service.redis.call import KeyedCommand
from resume_service.redis.pipeline import Pipeline, script_call
from resume_service.resume.event_arguments import ArchivedFields, EventArguments
from resume_service.resume.hash_format import WRONG_TYPE, log_no_point
from resume_service.resume.keys import Keys
from resume_service.resume.merge_state import EMPTY, MergeState
from resume_service.resume.model import PointSettings
from resume_service.resume.scripts import MERGE_POINT
from resume_service.resume.state_fields import STATE_FIELDS, from_fields, to_fields


class StoredPoint(NamedTuple):
    user_id: str
    video_id: str
    state: MergeState


class MergedPoint(NamedTuple):
    """A state that Redis must merge."""

    user_id: str
    video_id: str
    state: MergeState
    """The point, or marks without a point, and its tombstone."""
    seconds_left: int | None = None
    """Seconds until Redis would have dropped it. None: RESUME_TTL_DAYS."""


class BulkStore:
    """Reads and merges many points at once. Every method raises Unavailable if Redis fails."""

    def __init__(
        self, redis: Pipeline, keys: Keys, settings: PointSettings, clock: Clock = system_clock
    ) -> None:
        """With `system_clock`, the time is that of the Redis servers."""
        self._redis = redis
        self._keys = keys
        self._clock = None if clock is system_clock else clock
        self._arguments = EventArguments(settings, fixed_clock=self._clock is not None)

    def read(self, entries: Sequence[str]) -> list[StoredPoint]:
        """Return the points of these backlog entries, in the order of the entries.

        A state is EMPTY if the hash does not exist, or if it is no point.
        """
        points = [self._keys.of_entry(entry) for entry in entries]
        hashes = self._redis.execute(
            [(key, ("HMGET", key, *STATE_FIELDS)) for key, *_ in points], accepts_wrong_type=True
        )
        return [
            StoredPoint(user, video, _state_in(key, values))
            for (key, user, video), values in zip(points, hashes, strict=True)
        ]

    def tombstones(self, entries: Sequence[str]) -> dict[str, int]:
        """Return the times of the deletions of these entries, ms since 1970, if there are any."""
        keys = [self._keys.of_point(*self._keys.of_entry(entry)[1:]) for entry in entries]
        scores = self._redis.execute(
            [(each.deleted, ("ZSCORE", each.deleted, each.member)) for each in keys]
        )
        return {
            entry: int(float(score))
            for entry, score in zip(entries, scores, strict=True)
            if score is not None
        }

    def now_ms(self, entries: Sequence[str]) -> list[int]:
        """Return the time of the server of each entry, ms since 1970.

        In a cluster, the clocks of the servers may differ. An earlier read from a server can't
        contain a later time, unless the clock was ahead when the time was written.
        """
        if self._clock:
            return [epoch_ms(self._clock())] * len(entries)
        asked = entries if self._keys.hash_tags else entries[:1]
        keys = [self._keys.of_entry(entry)[0] for entry in asked]
        times = self._redis.execute([(key, ("TIME",)) for key in keys])
        now = [int(seconds) * 1000 + int(rest) // 1000 for seconds, rest in times]
        return now if self._keys.hash_tags else now * len(entries)

    def merge(self, points: Sequence[MergedPoint]) -> int:
        """Merge `points` with what Redis has. Return the number of points that changed.

        Skips keys of another type.
        """
        if not points:
            return 0
        calls = [self._merge_call(point) for point in points]
        results = self._redis.execute(calls, MERGE_POINT, accepts_wrong_type=True)
        for (key, _), result in zip(calls, results, strict=True):
            if result is None:
                log_no_point(key, WRONG_TYPE)
        return sum(result is not None and result > 0 for result in results)

    def _merge_call(self, point: MergedPoint) -> KeyedCommand:
        keys = self._keys.of_point(point.user_id, point.video_id)
        arrived_ms = epoch_ms((self._clock or system_clock)())
        archived = ArchivedFields(to_fields(point.state), point.state.deleted, point.seconds_left)
        args = self._arguments.of_archived(archived, keys, arrived_ms, wants_point=False)
        return script_call(MERGE_POINT, [keys.point, keys.recent, keys.deleted], args)


def _state_in(key: str, values: list[Any] | None) -> MergeState:
    """Return the state in a hash, or EMPTY. `values` are None if the key has another type."""
    if values is None:
        log_no_point(key, WRONG_TYPE)
        return EMPTY
    try:
        return from_fields(dict(zip(STATE_FIELDS, values, strict=True)))
    except (TypeError, ValueError, OverflowError) as fault:
        log_no_point(key, str(fault))
        return EMPTY
