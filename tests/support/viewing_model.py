"""What a viewer's lists must show, worked out from all events in plain Python."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from resume_service.resume.model import EventType

NEVER = -1
WATCHED_PERCENT = 90
MARKS = [EventType.WATCHED, EventType.UNWATCHED, EventType.DISMISSED, EventType.UNDISMISSED]


class Event(NamedTuple):
    at: int
    type: EventType
    percent: float = 0


@dataclass
class Video:
    id: int
    owner: int | None
    series: int | None
    season: int | None
    episode: int | None
    published: bool = True
    deleted: bool = False
    events: list[Event] = field(default_factory=list)

    @property
    def place(self) -> tuple[int, int]:
        return (1 if self.season is None else self.season, self.episode or 0)


class Point(NamedTuple):
    at: int
    percent: float
    watched: bool
    dismissed: bool

    @property
    def in_progress(self) -> bool:
        return 0 < self.percent < WATCHED_PERCENT and not self.dismissed


def point_of(video: Video) -> Point | None:
    def latest(*types):
        return max((each.at for each in live if each.type in types), default=NEVER)

    live = video.events
    deleted = latest(EventType.DELETE)
    live = [each for each in live if each.at > deleted]
    saves = [(each.at, each.percent) for each in live if each.type is EventType.SAVE]
    at, percent = max(saves, default=(latest(EventType.WATCHED), 0))
    if at == NEVER:
        return None
    qualifying = [
        each.at
        for each in live
        if each.type is EventType.WATCHED or each.percent >= WATCHED_PERCENT
    ]
    watched = max(qualifying, default=NEVER) > latest(EventType.UNWATCHED)
    shown_again = max(latest(EventType.SAVE), latest(EventType.UNDISMISSED))
    return Point(at, percent, watched, latest(EventType.DISMISSED) > shown_again)


@dataclass
class Model:
    """The catalogue, and the events of one viewer, who belongs to `company`."""

    company: int
    videos: dict[int, Video] = field(default_factory=dict)

    def is_own(self, video: Video) -> bool:
        return video.owner in (None, self.company)

    def is_watchable(self, video: Video) -> bool:
        return video.published and not video.deleted and self.is_own(video)

    def points(self) -> list[tuple[Video, Point]]:
        known = [(video, point_of(video)) for video in self.videos.values()]
        return [(video, point) for video, point in known if point is not None]

    def continuing(self, in_redis: set[int]) -> list[int]:
        """The ids in "continue watching". Only points that Redis has are in this list."""
        begun = [
            (point.at, str(video.id), video)
            for video, point in self.points()
            if video.id in in_redis and point.in_progress and self.is_watchable(video)
        ]
        shown, seen = [], set()
        for _, _, video in sorted(begun, key=lambda each: each[:2], reverse=True):
            series = (video.series, video.owner)
            if video.series is None or series not in seen:
                shown.append(video.id)
            seen.add(series)
        return shown

    def next_up(self) -> list[tuple[int, int | None]]:
        """The id of each next episode, and that of the one before if it may be shown."""
        items = []
        points = [each for each in self.points() if self.is_own(each[0])]
        for series in {(video.series, video.owner) for video, _ in points if video.series}:
            inside = [each for each in points if (each[0].series, each[0].owner) == series]
            watched = {video.id for video, point in inside if point.watched}
            if any(point.in_progress and self.is_watchable(video) for video, point in inside):
                continue
            last = max(
                (
                    (point.at, video.place, video.id)
                    for video, point in inside
                    if point.watched and video.episode is not None
                ),
                default=None,
            )
            if last is None or all(point.dismissed for _, point in inside):
                continue
            following = [
                (video.place, video.id)
                for video in self.videos.values()
                if (video.series, video.owner) == series
                and self.is_watchable(video)
                and video.episode is not None
                and video.place > last[1]
                and video.id not in watched
            ]
            if following:
                after = last[2] if self.is_watchable(self.videos[last[2]]) else None
                items.append(((-last[0], series[0], series[1] or 0), (min(following)[1], after)))
        return [item for _, item in sorted(items)]

    def mark_series(self, series: int, mark: EventType, at: int) -> int | None:
        """Add the events of a mark. Return the number of changed videos. None: no such series."""
        inside = [
            each for each in self.videos.values() if each.series == series and self.is_own(each)
        ]
        if not any(self.is_watchable(video) for video in inside):
            return None
        changed = 0
        for video in inside:
            point = point_of(video)
            only_offered = mark in (EventType.WATCHED, EventType.UNWATCHED)
            if only_offered and not self.is_watchable(video):
                continue
            if mark is not EventType.WATCHED and point is None:
                continue
            changed += {
                EventType.WATCHED: point is None or not point.watched,
                EventType.UNWATCHED: point is not None and point.watched,
                EventType.DISMISSED: point is not None and not point.dismissed,
                EventType.UNDISMISSED: point is not None and point.dismissed,
            }[mark]
            video.events.append(Event(at, mark))
        return changed

    def expire(self) -> None:
        """Forget the events of missing points, which only Redis had."""
        for video in self.videos.values():
            if point_of(video) is None:
                video.events.clear()
