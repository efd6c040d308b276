"""The merge rules in 30 lines: the point by the whole set of its events, as the contract defines it."""

from __future__ import annotations

from typing import Any, NamedTuple

from resume_service.clock import iso_ms
from resume_service.resume.model import EventType, Mark, Measurement

NEVER = -1
WATCHED_PERCENT = 90
SAVE, RATE, DELETE = EventType.SAVE, EventType.RATE, EventType.DELETE


class Event(NamedTuple):
    type: EventType
    at: int
    """ms since 1970"""
    position: float = 0
    """s, of a save"""
    rate: float = 0
    """percent, of a rate"""
    duration: float | None = None
    """s, from the player"""
    usual: float | None = None
    """s, from the catalogue, with a rate"""
    device: str | None = None

    def arriving(self, user: str, video: str, now_ms: int) -> Measurement | Mark:
        """The same event, as the store gets it at `now_ms`."""
        age_ms = now_ms - self.at
        if self.type is SAVE:
            return Measurement(
                user, video, now_ms, self.position, self.duration, age_ms=age_ms, device=self.device
            )
        if self.type is RATE:
            report = {"rate": self.rate, "catalogue_duration": self.usual}
            return Measurement(user, video, now_ms, None, self.duration, age_ms=age_ms, **report)
        return Mark(user, video, now_ms, self.type, age_ms)


def percent_of(position: float, duration: float) -> float:
    """Two decimals, and never 100 before the end."""
    return 100 if position >= duration else min(99.99, round(100 * position / duration, 2))


def own_percent(event: Event) -> float:
    """The percent by the event's own numbers; -1 if it has none."""
    if event.type is RATE:
        return event.rate
    has_percent = event.type is SAVE and event.duration
    return percent_of(event.position, event.duration) if has_percent else -1


def qualifying(events: list[Event], percent: float) -> list[int]:
    """The times of the events that reach `percent`."""
    return [event.at for event in events if own_percent(event) >= percent]


def model(events: list[Event]) -> dict[str, Any] | None:
    """The point that a response shows, or None."""
    deleted = max((e.at for e in events if e.type is DELETE), default=NEVER)
    live = [e for e in events if e.at > deleted]

    def latest(kind: EventType) -> int:
        return max((e.at for e in live if e.type is kind), default=NEVER)

    saves = [(e.at, e.position, e.device or "") for e in live if e.type is SAVE]
    rates = [(e.at, e.rate) for e in live if e.type is RATE]
    sent = [(e.at, e.duration) for e in live if e.duration]
    usual = [(e.at, e.usual) for e in live if e.usual]
    (_, duration) = max(sent or usual or [(NEVER, None)])
    (saved_at, position, device) = max(saves, default=(NEVER, 0, ""))
    (rated_at, percent) = max(rates, default=(NEVER, None))
    at = max(saved_at, rated_at)
    if saved_at >= rated_at:  # measured at the same time, the position wins
        percent = percent_of(position, duration) if duration and saves else None
    elif duration:
        position = round(percent * duration / 100, 3)
    marked, dismissed = latest(EventType.WATCHED), latest(EventType.DISMISSED)
    if max(at, marked) == NEVER:
        return None
    marks = [e.at for e in live if e.type is EventType.WATCHED]
    watched = max([*marks, *qualifying(live, WATCHED_PERCENT)], default=NEVER)
    return {
        "position": position,
        "updated_at": iso_ms(marked if at == NEVER else at),
        "duration": duration if at > NEVER else None,
        "percent": percent,
        "completed": percent == 100,
        "watched": watched > latest(EventType.UNWATCHED),
        "dismissed": dismissed > max(at, latest(EventType.UNDISMISSED)),
        "device": device or None,
    }


def earliest(events: list[Event], percent: float, *cancelling: EventType) -> list[int]:
    """The times of the qualifying events that no event of the types `cancelling` cancels."""
    cancelled = max((e.at for e in events if e.type in cancelling), default=NEVER)
    marks = [e.at for e in events if e.type is EventType.WATCHED and percent < 100]
    return sorted(at for at in [*marks, *qualifying(events, percent)] if at > cancelled)
