"""Decides what a stream must send, and when. This module has no I/O."""

from __future__ import annotations

from resume_service.live.limits import EVENT_SECONDS, WAITING_VIDEOS


class Changes:
    """The videos of which a stream must send the newest state. All times are monotonic seconds.

    It is state, not a log: several changes of a video become one event. Its memory is limited: if too
    many videos wait, they become one event `points`.
    """

    __slots__ = ("_points_sent", "_sent", "_waiting", "points_at")

    def __init__(self) -> None:
        self._waiting: dict[str, float] = {}
        """The changed videos, each with the earliest time of its event."""
        self._sent: dict[str, float] = {}
        """The videos with an event in the last EVENT_SECONDS, each with the time of the event."""
        self.points_at: float | None = None
        """The earliest time of an event `points`. None if the stream needs none."""
        self._points_sent = -EVENT_SECONDS

    @property
    def is_empty(self) -> bool:
        return self.points_at is None and not self._waiting

    def add(self, video_id: str, now: float) -> bool:
        """Record a change. Return False if it becomes a part of an event that waits already."""
        if self.points_at is not None or video_id in self._waiting:
            return False
        if len(self._waiting) == WAITING_VIDEOS:
            self.want_points(now)
            return False
        self._waiting[video_id] = max(
            now, self._sent.get(video_id, now - EVENT_SECONDS) + EVENT_SECONDS
        )
        return True

    def want_points(self, at: float) -> None:
        """Send all points, not before `at`. They contain all changes that wait now."""
        self._waiting.clear()
        if self.points_at is None:
            self.points_at = max(at, self._points_sent + EVENT_SECONDS)

    def take_points(self, now: float) -> None:
        """The stream starts to read its points now. Later changes need events of their own."""
        self._waiting.clear()
        self.points_at, self._points_sent = None, now

    def take(self, now: float) -> list[str]:
        """Return the videos of which an event is due, and forget them."""
        due = [video for video, at in self._waiting.items() if at <= now]
        if due:
            for video in due:
                del self._waiting[video]
            recent = {video: at for video, at in self._sent.items() if at > now - EVENT_SECONDS}
            self._sent = recent | dict.fromkeys(due, now)
        return due
