"""What the APIs over a catalogue share: the caller's own point of a video that it may watch.

Whoever calls is the viewer, whatever its role.
"""

from __future__ import annotations

from typing import Any

from resume_service.catalogue.access import Sought
from resume_service.errors import Forbidden
from resume_service.ids import GREATEST_ROW_ID, user_id_faults
from resume_service.resume.model import Measurement, ResumePoint
from resume_service.web.messages import Asked

VIDEO_ID_SCHEMA = {"type": "integer", "minimum": 1, "maximum": GREATEST_ROW_ID}


def video_parameter(name: str) -> list[dict[str, Any]]:
    """The id in a route's path, as the OpenAPI document has it."""
    return [{"in": "path", "name": name, "required": True, "schema": VIDEO_ID_SCHEMA}]


def saved(ask: Asked, video_id: str, sought: Sought, **seen: float) -> ResumePoint:
    """The point after the save of what was `seen`: `position` and `duration`, or `rate`."""
    viewer = _viewer(ask)
    duration = ask.services.viewing.admit(ask.caller, video_id, sought)
    measured = Measurement(
        user_id=viewer,
        video_id=video_id,
        measured_at=ask.arrived_at,
        usual_duration=duration,
        **seen,
    )
    return ask.services.lasting.save(measured)


def found(ask: Asked, video_id: str, sought: Sought) -> ResumePoint | None:
    viewer = _viewer(ask)
    ask.services.viewing.admit(ask.caller, video_id, sought)
    return ask.services.lasting.find(viewer, video_id)


def _viewer(ask: Asked) -> str:
    """The user whose points these are. Raises Forbidden for a `sub` that can have none."""
    if faults := user_id_faults(ask.caller.user_id):
        raise Forbidden(faults[0])
    return ask.caller.user_id
