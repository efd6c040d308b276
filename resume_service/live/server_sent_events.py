"""The bytes of the events (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from resume_service.resume.model import ResumePoint
from resume_service.resume.point_json import listed_point_json

MEDIA_TYPE = "text/event-stream"
HEARTBEAT = b": alive\n\n"
_encode = msgspec.json.Encoder().encode


def event(name: str, data: object) -> bytes:
    """Return an event. JSON contains no line break, so the data is one line."""
    return b"event: %b\ndata: %b\n\n" % (name.encode(), _encode(data))


def points_event(points: Sequence[ResumePoint]) -> bytes:
    return event("points", [listed_point_json(point) for point in points])


def point_event(video_id: str, point: ResumePoint | None) -> bytes:
    """Return the event for a changed point. None: the point does not exist any more."""
    if point is None:
        return event("gone", {"tmdbId": video_id})
    return event("point", listed_point_json(point))


BYE = event("bye", {})
