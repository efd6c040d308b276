"""Builds the keys and the arguments of the script that merges an event, `scripts/merge_point.lua`."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from resume_service.clock import iso_ms
from resume_service.redis.script import Args
from resume_service.resume.hash_format import number_or_empty
from resume_service.resume.keys import PointKeys
from resume_service.resume.model import EventType, Mark, Measurement, PointSettings

MERGE = "merge"
"""The type of an event that brings an archived point."""


class ArchivedFields(NamedTuple):
    """What the archive knows of a point."""

    fields: Mapping[str, str]
    """The fields of the point's hash."""
    deleted_ms: int = 0
    """Time of the latest deletion, ms since 1970. 0 if there was none."""
    ttl: int | None = None
    """Seconds until the point expires. None: RESUME_TTL_DAYS."""


class EventArguments:
    """Returns ARGV in the order of the script."""

    def __init__(self, settings: PointSettings, *, fixed_clock: bool = False) -> None:
        self._fixed_clock = fixed_clock
        self._ttl = str(int(settings.ttl.total_seconds()))
        self._limits = (str(settings.max_points), str(settings.watched_percent))
        """Arguments that are the same for each event. So they are formatted only once, here."""

    def of_measurement(
        self, event: Measurement, keys: PointKeys, deadline: int | None, *, wants_point: bool
    ) -> Args:
        """Raises ValueError unless the measurement has either a position or a rate.

        `deadline` is the deadline of the call by the clock of Redis in ms, or None if unknown.
        """
        position, rate = event.position, event.rate
        if (position is None) is (rate is None):
            raise ValueError("a position or a rate")
        arrived_ms = event.arrived_ms
        if rate is None:
            value, kind, last = position, "save", event.device or ""
        else:
            value, kind, last = rate, "rate", number_or_empty(event.catalogue_duration)
        return [
            kind,
            arrived_ms,
            event.age_ms,
            arrived_ms if self._fixed_clock else _limit(deadline),
            self._ttl,
            *self._limits,
            keys.member,
            keys.point_prefix,
            keys.entry,
            "1" if wants_point else "",
            number_or_empty(value),
            number_or_empty(event.duration),
            last,
            *_second_of(arrived_ms // 1000),
        ]

    def of_mark(self, event: Mark, keys: PointKeys, deadline: int | None) -> Args:
        """Raises ValueError if the event is a save or a rate. See `of_measurement`."""
        if event.type in (EventType.SAVE, EventType.RATE):
            raise ValueError("a deletion or a mark")
        args = self._of(event.type.value, event.arrived_ms, event.age_ms, keys)
        if not self._fixed_clock:
            args[3] = _limit(deadline)
        return args

    def of_archived(
        self, archived: ArchivedFields, keys: PointKeys, arrived_ms: int, *, wants_point: bool
    ) -> Args:
        args = self._of(MERGE, arrived_ms, 0, keys)
        if archived.ttl is not None:
            args[4] = archived.ttl
        fields = msgspec.json.encode(archived.fields).decode()
        args[10:] = ["1" if wants_point else "", fields, archived.deleted_ms]
        return args

    def _of(self, kind: str, arrived_ms: int, age_ms: int, keys: PointKeys) -> Args:
        return [
            kind,
            arrived_ms,
            age_ms,
            arrived_ms if self._fixed_clock else "",
            self._ttl,
            *self._limits,
            keys.member,
            keys.point_prefix,
            keys.entry,
            "",
        ]


def _limit(deadline: int | None) -> str:
    return "" if deadline is None else f"<{deadline}"


# Most events arrive in one of a few seconds.
@functools.lru_cache(maxsize=64)
def _second_of(second: int) -> tuple[str, str]:
    """Return a time in seconds since 1970 as text, and in the format of `iso` without milliseconds."""
    return str(second), iso_ms(second * 1000)[:-4]
