"""Converts a resume point to the fields of its Redis hash, and back.

Another program may have written to the key of a point. Such a key is no point: reads, lists and
flushes leave it out, and log its name.
"""

from __future__ import annotations

import functools
import re
from datetime import UTC, datetime
from math import isfinite
from typing import Any

import msgspec
import structlog

from resume_service.clock import epoch_ms, iso, iso_ms
from resume_service.resume.model import ArchivedPoint, ResumePoint

POINT_FIELDS = (
    "currentTime",
    "updatedAt",
    "duration",
    "percent",
    "watched",
    "completed",
    "device",
    "state",
)
"""The hash fields of a `ResumePoint`. `point_from` expects the values in this order."""
WRONG_TYPE = "the key has another type"

_log = structlog.get_logger(__name__)
_parse_moment = datetime.fromisoformat
_match_iso_format = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII).fullmatch
"""Matches text in the format of `iso`."""


def number_text(number: float) -> str:
    """Return a number as the hash stores it. A whole number has no decimals: 3600, not 3600.0."""
    return str(int(number)) if number == int(number) else repr(number)


def number_or_empty(number: float | None) -> str:
    """Return `number_text(number)`, or empty text for None."""
    if number is None:
        return ""
    # Most numbers of players are integers: 0.1 us instead of 0.3.
    return str(number) if type(number) is int else number_text(number)


def point_from(
    key: str, user_id: str, video_id: str, values: list[Any] | None
) -> ResumePoint | None:
    """Return the point that the hash at `key` contains, or None if it contains no point.

    `values` are the values of its POINT_FIELDS. They are None if `key` has another type. A point
    has a finite `currentTime`, and an `updatedAt` with a time zone. Its `duration` and `percent`
    are finite or missing. Otherwise logs a warning with the key, unless the first two are missing.
    """
    if values is None:
        log_no_point(key, WRONG_TYPE)
        return None
    try:
        position, updated_at, duration, percent, watched, completed, device, state = values
        return ResumePoint(
            user_id,
            video_id,
            _number(position),
            _iso_text(updated_at),
            _number(duration) if duration else None,
            _number(percent) if percent else None,
            watched == "1" if watched else None,
            completed == "1" if completed else None,
            device,
            *(_marks_in(state, updated_at) if state else ()),
        )
    except (TypeError, ValueError, OverflowError) as fault:
        if values[:2] != [None, None]:
            log_no_point(key, str(fault))
        return None


class _State(msgspec.Struct, gc=False):
    """What a response needs of the field `state` (see `scripts/point_state.lua`). Times are in ms."""

    position: tuple[int, str] | None = None
    rate: tuple[int, str] | None = None
    dismissed: int = 0
    undismissed: int = 0
    previous: tuple[str, int] | None = None
    shown: int = 0


_decode_state = msgspec.json.Decoder(_State, strict=False).decode


def _marks_in(state_json: str, updated_at: str) -> tuple[bool, float | None, str | None]:
    """Return `dismissed`, `previous_position` and `previous_at` of a ResumePoint.

    Raises ValueError or OverflowError if `state_json` is no valid state.
    """
    state = _decode_state(state_json)
    saves = [item[0] for item in (state.position, state.rate) if item]
    if iso_ms(state.shown) != updated_at:  # the previous version of the service has saved since
        saves.append(epoch_ms(_parse_moment(updated_at)))
    dismissed = state.dismissed > max([*saves, state.undismissed])
    if state.previous is None:
        return dismissed, None, None
    position, at = state.previous
    return dismissed, _number(position), iso_ms(at)


# Most hashes contain one of a few thousand numbers: 0.05 us instead of 0.3.
@functools.lru_cache(maxsize=8192)
def _number(text: str) -> float:
    """Parse a number. A whole number becomes an `int`. Raises ValueError if it is not finite."""
    number = float(text)
    if not isfinite(number):
        raise ValueError("a number is not finite")
    return int(number) if number.is_integer() else number


def _iso_text(text: str) -> str:
    """Return a time in the format of `iso`.

    Raises ValueError without a time zone, or if `text` is no time. Raises OverflowError if UTC has
    no such time.
    """
    moment = _parse_moment(text)  # checks the ranges, for example that February has 28 days
    if _match_iso_format(text):
        return text
    return iso(_in_utc(moment))


def log_no_point(key: str, fault: str) -> None:
    """Log that `key` contains no point, because another program has written to it."""
    _log.warning("not a point", key=key, fault=fault)


def _in_utc(moment: datetime) -> datetime:
    """Raises ValueError without a time zone, OverflowError if UTC has no such time."""
    if moment.tzinfo is None:
        raise ValueError(f"no time zone: {moment.isoformat()}")
    return moment.astimezone(UTC)


def fields_of(row: ArchivedPoint) -> dict[str, str]:
    """Return the fields of the hash of an archived point."""
    fields = {"currentTime": number_text(row.position), "updatedAt": iso(row.updated_at)}
    if row.duration is not None:
        fields["duration"] = number_text(row.duration)
    if row.percent is not None:
        fields["percent"] = f"{row.percent:.2f}"
        fields["completed"] = str(int(row.completed))
    if row.percent is not None or row.watched:
        fields["watched"] = str(int(row.watched))
    moments = {"watchedAt": row.watched_at, "completedAt": row.completed_at}
    fields |= {name: iso(moment) for name, moment in moments.items() if moment}
    fields |= {"rate": number_text(row.rate)} if row.rate is not None else {}
    return fields | {
        name: text for name, text in (("device", row.device), ("state", row.state)) if text
    }
