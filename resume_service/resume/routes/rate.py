"""`/videos/{id}/progress`: resume points as rates, of the videos of a catalogue."""

from __future__ import annotations

from flask import Response

from resume_service.clock import iso
from resume_service.resume.model import ResumePoint
from resume_service.resume.schemas.rate import (
    EXAMPLE,
    EXAMPLE_SAVE,
    SAYS,
    ProgressSchema,
    RateSchema,
    flawless_rate,
)
from resume_service.resume.video_access import WantedVideo
from resume_service.resume.video_points import VideoPoints
from resume_service.web.blueprint import SaveBlueprint, video_parameter
from resume_service.web.bodies import decoded
from resume_service.web.fast_route import QuickRoute
from resume_service.web.messages import Answer, Asked, asked, json_answer, respond

VIDEO = WantedVideo("Video not found")
PATH = "/<video_id>/progress"

blp = SaveBlueprint(
    "video_progress",
    __name__,
    url_prefix="/videos",
    description="How far each viewer got, as a rate.",
)


@blp.route(PATH, methods=["POST"], parameters=video_parameter("video_id"))
@blp.arguments(RateSchema, example=EXAMPLE_SAVE)
@blp.response(200, ProgressSchema, example=EXAMPLE)
@blp.errors(400, 401, 403, 404, 413, 415, 422, 503, says=SAYS)
def save_rate(body: dict[str, int], video_id: str) -> Response:
    """Save how far the caller got. `is_completed` is set anew each time.

    The same JSON may be sent as `text/plain`.
    """
    return respond(_save(asked(), video_id, body["progress_rate"]))


@blp.route(PATH, parameters=video_parameter("video_id"))
@blp.response(200, ProgressSchema, example=EXAMPLE)
@blp.errors(400, 401, 403, 404, 503, says=SAYS)
def read_rate(video_id: str) -> Response:
    """How far the caller got: 0 with no record."""
    return respond(_read(asked(), b"", video_id))


def _quick_save(ask: Asked, body: bytes, video_id: str) -> Answer | None:
    try:
        rate = flawless_rate(decoded(body))
    except (ValueError, RecursionError):
        return None
    return None if rate is None else _save(ask, video_id, rate)


def _save(ask: Asked, video_id: str, rate: int) -> Answer:
    return _shown(
        video_id,
        ask.services.get(VideoPoints).save(ask.caller, video_id, VIDEO, ask.arrived_at, rate=rate),
    )


def _read(ask: Asked, _body: bytes, video_id: str) -> Answer:
    return _shown(video_id, ask.services.get(VideoPoints).find(ask.caller, video_id, VIDEO))


QUICK_ROUTES = (
    QuickRoute("POST", f"/videos{PATH}", _quick_save, SaveBlueprint.ARGUMENTS_PARSER.takes),
    QuickRoute("GET", f"/videos{PATH}", _read),
)


def _shown(video_id: str, point: ResumePoint | None) -> Answer:
    return json_answer(
        {
            "video_id": int(video_id),
            "progress_rate": int(point.percent or 0) if point else 0,
            "is_completed": point is not None and point.completed is True,
            "last_watched_at": iso(point.updated_at) if point else None,
        }
    )
