"""Reads the points that have changed, and sends them to the streams of their users.

All changes of a short time share a round trip. No method blocks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from resume_service.clock import Clock, epoch_ms
from resume_service.errors import Unavailable
from resume_service.live.limits import LISTED, LISTS_AT_ONCE, POINTS_AT_ONCE
from resume_service.live.server_sent_events import point_event, points_event
from resume_service.live.stream import LiveStream
from resume_service.redis.operation import Operation
from resume_service.resume.model import ResumePoint
from resume_service.resume.store import ResumeStore
from resume_service.telemetry import metrics

Execute = Callable[[Operation[Any], Callable[[Any], None]], None]
"""Executes an operation in the event loop, then calls the function with its result, or with None."""
Point = tuple[str, str]
"""A user id and a video id."""


class Reader:
    def __init__(self, points: ResumeStore, clock: Clock, execute: Execute) -> None:
        self._points = points
        self._clock = clock
        self._execute = execute
        self._due: dict[LiveStream, None] = {}
        """The streams with changes that wait for a read."""
        self._lists: dict[str, list[LiveStream]] = {}
        """The streams that wait for all points of their user, by user id."""
        self._running_lists = 0

    def add(self, stream: LiveStream, video_id: str, now: float) -> None:
        """A point of the user has changed."""
        if not stream.changes.add(video_id, now):
            metrics.live_coalesced.inc()
        self.wake(stream)

    def want_points(self, stream: LiveStream, at: float) -> None:
        """Changes may have been missed: send all points again, not before `at`."""
        stream.changes.want_points(at)
        self.wake(stream)

    def wake(self, stream: LiveStream) -> None:
        """Look at the stream in the next `tick`."""
        if not stream.changes.is_empty:
            self._due[stream] = None

    def newest(self, user_id: str) -> Operation[bytes]:
        """Return the event with the newest points of a user. Raises Unavailable."""
        page = yield from self._points.list(user_id, epoch_ms(self._clock()), limit=LISTED)
        return points_event(page.items)

    def tick(self, now: float) -> None:
        """Start the reads that are due. Call this several times a second."""
        streams_of: dict[Point, list[LiveStream]] = {}
        for stream in tuple(self._due):
            if len(streams_of) >= POINTS_AT_ONCE:
                break
            if not stream.is_ready:  # it wakes again when it is
                del self._due[stream]
            elif stream.changes.points_at is None:
                self._take(stream, now, streams_of)
            elif stream.changes.points_at <= now:
                del self._due[stream]
                stream.is_reading = True
                self._lists.setdefault(stream.user_id, []).append(stream)
        if streams_of:
            operation = self._points.get_each(list(streams_of))
            self._execute(operation, partial(self._send_points, streams_of))
        self._start_lists()

    def _take(
        self, stream: LiveStream, now: float, streams_of: dict[Point, list[LiveStream]]
    ) -> None:
        videos = stream.changes.take(now)
        for video in videos:
            streams_of.setdefault((stream.user_id, video), []).append(stream)
        if videos:
            del self._due[stream]
            stream.is_reading = True

    def _send_points(
        self,
        streams_of: dict[Point, list[LiveStream]],
        points: Sequence[ResumePoint | Unavailable | None] | None,
    ) -> None:
        now = time.monotonic()
        outcomes = points or [Unavailable()] * len(streams_of)
        for ((_, video_id), streams), point in zip(streams_of.items(), outcomes, strict=True):
            if isinstance(point, Unavailable):
                for stream in streams:
                    stream.changes.want_points(now)
                continue
            event = point_event(video_id, point)
            sent = sum(stream.send_point(video_id, event) for stream in streams)
            metrics.live_events.labels("gone" if point is None else "point").inc(sent)
        for stream in {stream for streams in streams_of.values() for stream in streams}:
            self._end_read(stream)

    def _start_lists(self) -> None:
        while self._lists and self._running_lists < LISTS_AT_ONCE:
            user_id = next(iter(self._lists))
            streams = self._lists.pop(user_id)
            now = time.monotonic()
            for stream in streams:
                stream.changes.take_points(now)
            self._running_lists += 1
            self._execute(self._listed(user_id), partial(self._send_list, streams))

    def _listed(self, user_id: str) -> Operation[bytes | None]:
        try:
            return (yield from self.newest(user_id))
        except Unavailable:
            return None

    def _send_list(self, streams: Sequence[LiveStream], event: bytes | None) -> None:
        self._running_lists -= 1
        for stream in streams:
            if event is None or not stream.send(event):
                stream.changes.want_points(time.monotonic())
            else:
                metrics.live_events.labels("points").inc()
            self._end_read(stream)
        if event is not None:  # after a failure, the next tick continues
            self._start_lists()

    def _end_read(self, stream: LiveStream) -> None:
        stream.is_reading = False
        self.wake(stream)
