"""Converts the fields of a point to a `MergeState`, and back.

Redis has these fields in the hash of a point, and the archive in the columns of a row. Most points
need no field `state`, because their other fields express the whole state: they are *plain*.

Version 0.4 does not know `state`. So if `updatedAt` differs from the time in `state`, version 0.4
saved the point after `state` was written.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from resume_service.clock import epoch_ms, iso_ms
from resume_service.resume import state_json
from resume_service.resume.hash_format import number_text
from resume_service.resume.merge_state import (
    EMPTY,
    NEVER,
    NO_PAIR,
    NO_POSITION,
    MergeState,
    Shown,
    join,
    shown,
)
from resume_service.resume.state_json import FirstTimes, number

STATE_FIELDS = (
    "currentTime",
    "updatedAt",
    "duration",
    "percent",
    "watched",
    "completed",
    "watchedAt",
    "completedAt",
    "device",
    "rate",
    "state",
)
"""The hash fields that `from_fields` reads."""


def from_fields(fields: Mapping[str, str | None]) -> MergeState:
    """Return the state of a point, without its tombstone. EMPTY if the point does not exist.

    Raises ValueError, TypeError or OverflowError if the fields are not those of a point.
    """
    text, moment = fields.get("state"), fields.get("updatedAt")
    device = fields.get("device") or ""
    first = FirstTimes(_ms(fields.get("watchedAt")), _ms(fields.get("completedAt")))
    if not moment:
        if fields.get("currentTime"):
            raise ValueError("no updatedAt")
        return state_json.parsed(text, device, first)[0] if text else EMPTY
    at = _ms(moment)
    if not text:
        return _plain(at, fields, device, first)
    state, shown_at = state_json.parsed(text, device, first)
    return state if shown_at == at else join(state, _plain(at, fields, "", first))


def to_fields(state: MergeState) -> dict[str, str]:
    """Return the fields of a point. Contains only `state` if it has no save and no watched mark."""
    state = state_json.pruned(state)
    point = shown(state)
    text = {} if is_plain(state, point) else {"state": state_json.json_of(state).decode()}
    if point is None:
        return text
    fields = {"currentTime": number_text(point.position), "updatedAt": iso_ms(point.at)}
    if point.duration is not None:
        fields["duration"] = number_text(point.duration)
    if point.percent is not None:
        fields["percent"] = f"{point.percent:.2f}"
        fields["completed"] = str(int(point.completed))
    if point.percent is not None or point.watched:
        fields["watched"] = str(int(point.watched))
    if state.watched_at:
        fields["watchedAt"] = iso_ms(state.watched_at)
    if point.completed_at:
        fields["completedAt"] = iso_ms(point.completed_at)
    if state.position[2]:
        fields["device"] = state.position[2]
    if not text and not state.position[0]:
        fields["rate"] = number_text(state.rate[1])
    return fields | text


def is_plain(state: MergeState, point: Shown | None) -> bool:
    """Return whether a point needs no field `state`.

    `point` is the point that `state` shows. `state` must be pruned.
    """
    if point is None:
        return state in (EMPTY, MergeState(deleted=state.deleted))
    at, position, sent, usual = point.at, state.position, state.sent, state.usual
    is_save_alone = (
        position[0] == at and not state.rate[0] and sent[0] in (NEVER, at) and not usual[0]
    )
    is_rate_alone = (
        not position[0]
        and not sent[0]
        and usual[0] in (NEVER, at)
        and state.rate[1] == point.percent
    )
    return (
        (is_save_alone or (state.rate[0] == at and is_rate_alone))
        and state.qualified in (NEVER, at)
        and not state.marked
        and not state.unwatched
        and not state.dismissed
        and not state.undismissed
        and not state.previous[0]
    )


def _plain(at: int, fields: Mapping[str, str | None], device: str, first: FirstTimes) -> MergeState:
    seconds, duration = number(fields.get("currentTime") or ""), fields.get("duration")
    percent, length = fields.get("percent"), (at, number(duration)) if duration else NO_PAIR
    rate = fields.get("rate") or ("" if duration else percent)
    position, sent, usual = (at, seconds, device), length, NO_PAIR
    # Version 0.4 keeps a rate when it saves a position. But it changes the percent.
    is_rate = rate and percent and number(rate) == number(percent)
    if is_rate:
        sent, usual = NO_PAIR, length
        # A rate that version 0.4 saved without a duration has the position of an earlier save.
        position = (at - 1, seconds, device) if seconds and not duration else NO_POSITION
    return MergeState(
        position=position,
        rate=(at, number(rate)) if rate and is_rate else NO_PAIR,
        sent=sent,
        usual=usual,
        qualified=at if fields.get("watched") == "1" else NEVER,
        watched_at=first.watched_at,
        completed_at=first.completed_at,
    )


def _ms(moment: str | None) -> int:
    """Return the time in ms since 1970. Raises ValueError if it has no time zone."""
    if not moment:
        return NEVER
    parsed = datetime.fromisoformat(moment)
    if parsed.tzinfo is None:
        raise ValueError(f"no time zone: {moment}")
    return epoch_ms(parsed.astimezone(UTC))
