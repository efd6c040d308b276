"""The merge rules as the API contract states them: a model over the whole set of events.

The service keeps no history, so it can't work like this. Tests compare it with this model.
"""

from __future__ import annotations

from typing import NamedTuple

NEVER = 0
WATCHED = 90
SAVES = {"save", "rate"}


class Event(NamedTuple):
    kind: str
    """save, rate, delete, watched, unwatched, dismissed, undismissed"""
    at: int
    """ms"""
    position: float = 0.0
    """Seconds, of a save."""
    rate: float = 0.0
    """Percent, of a rate."""
    duration: float | None = None
    """Seconds, sent by the player."""
    usual: float | None = None
    """Seconds, from the catalogue. Only with a rate."""


def percent_of(position: float, duration: float) -> float:
    return 100.0 if position >= duration else min(99.99, round(100 * position / duration, 2))


def own_percent(event: Event) -> float:
    """The percent by the event's own numbers; -1 if unknown."""
    if event.kind == "rate":
        return event.rate
    return percent_of(event.position, event.duration) if event.duration else -1


def is_qualifying(event: Event) -> bool:
    return event.kind == "watched" or (event.kind in SAVES and own_percent(event) >= WATCHED)


def point_of(events: list[Event]) -> dict[str, object] | None:
    """The point after these events, in any order. None if there is no point."""
    deleted = max((e.at for e in events if e.kind == "delete"), default=NEVER)
    live = [e for e in events if e.at > deleted and e.kind != "delete"]

    def latest(*kinds: str) -> int:
        return max((e.at for e in live if e.kind in kinds), default=NEVER)

    saved, unwatched = latest("save", "rate"), latest("unwatched")
    if not saved and not latest("watched"):
        return None
    position = max(((e.at, e.position) for e in live if e.kind == "save"), default=(NEVER, 0.0))
    rate = max(((e.at, e.rate) for e in live if e.kind == "rate"), default=(NEVER, 0.0))
    sent = max(((e.at, e.duration) for e in live if e.kind in SAVES and e.duration), default=None)
    usual = max(((e.at, e.usual) for e in live if e.usual), default=None)
    duration = (sent or usual or (NEVER, None))[1]
    seconds, percent = position[1], percent_of(position[1], duration) if duration else None
    if rate[0] > position[0]:
        percent = rate[1]
        seconds = round(rate[1] * duration / 100, 3) if duration else seconds
    if not saved:
        percent = None
    return {
        "position": seconds,
        "at": saved or latest("watched"),
        "duration": duration,
        "percent": percent,
        "watched": any(is_qualifying(e) and e.at > unwatched for e in live),
        "dismissed": latest("dismissed") > max(saved, latest("undismissed")),
    }


def first_times(events: list[Event]) -> tuple[int, int]:
    """The earliest times at which the video was watched and completed; 0 if never.

    A deletion or an unwatched mark that arrives late may leave later times than these.
    """
    deleted = max((e.at for e in events if e.kind == "delete"), default=NEVER)
    cancelled = max([deleted, *(e.at for e in events if e.kind == "unwatched")])
    watched = (e.at for e in events if is_qualifying(e) and e.at > cancelled)
    completed = (
        e.at for e in events if e.kind in SAVES and own_percent(e) >= 100 and e.at > deleted
    )
    return min(watched, default=NEVER), min(completed, default=NEVER)
