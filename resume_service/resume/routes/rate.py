"""`/videos/{id}/progress`: resume points of catalogue videos, as rates.

A rate is the watched part of the video in percent.
"""

from __future__ import annotations

from typing import Any

from flask import Response

from resume_service.redis.operation import Operation, run
from resume_service.resume.model import ResumePoint
from resume_service.resume.schemas.rate import (
    ERROR_EXAMPLES,
    EXAMPLE,
    EXAMPLE_SAVE,
    ProgressSchema,
    RateSchema,
    load_rate,
)
from resume_service.resume.video_access import WantedVideo
from resume_service.resume.video_points import VideoPoints
from resume_service.web.blueprint import BeaconBlueprint, video_parameter
from resume_service.web.fast_route import FastRoute
from resume_service.web.messages import (
    ApiRequest,
    ApiResponse,
    api_request,
    flask_response,
    json_response,
)
from resume_service.web.save_responses import RESUME_EVERY_DOC, SaveResponses

VIDEO = WantedVideo("Video not found")
PATH = "/<video_id>/progress"

blp = BeaconBlueprint(
    "video_progress",
    __name__,
    url_prefix="/videos",
)


@blp.route(PATH, methods=["POST"], parameters=video_parameter("video_id"))
@blp.arguments(RateSchema, example=EXAMPLE_SAVE)
@blp.response(200, ProgressSchema, example=EXAMPLE, headers=RESUME_EVERY_DOC)
@blp.errors(400, 401, 403, 404, 413, 415, 422, 503, examples=ERROR_EXAMPLES)
def save_rate(body: dict[str, int], video_id: str) -> Response:
    """Save the caller's progress. Each save also decides whether the video is completed.

    The Content-Type of the JSON body may also be `text/plain`.
    """
    return flask_response(run(_save(api_request(), video_id, body["progress_rate"])))


@blp.route(PATH, parameters=video_parameter("video_id"))
@blp.response(200, ProgressSchema, example=EXAMPLE)
@blp.errors(400, 401, 403, 404, 503, examples=ERROR_EXAMPLES)
def read_rate(video_id: str) -> Response:
    """Return the caller's progress. The rate is 0 if no progress is saved."""
    return flask_response(run(_read(api_request(), b"", video_id)))


def _fast_save(request: ApiRequest, body: bytes, video_id: str) -> Operation[ApiResponse]:
    return _save(request, video_id, load_rate(body))


def _save(request: ApiRequest, video_id: str, rate: int) -> Operation[ApiResponse]:
    point = yield from request.services.get(VideoPoints).save(
        request.caller, video_id, VIDEO, request.arrived_ms, rate=rate
    )
    return request.services.get(SaveResponses).json(_rate_json(video_id, point))


def _read(request: ApiRequest, _body: bytes, video_id: str) -> Operation[ApiResponse]:
    point = yield from request.services.get(VideoPoints).find(request.caller, video_id, VIDEO)
    return json_response(_rate_json(video_id, point))


FAST_ROUTES = (
    FastRoute("POST", f"/videos{PATH}", _fast_save, BeaconBlueprint.ARGUMENTS_PARSER.media_types),
    FastRoute("GET", f"/videos{PATH}", _read),
)


def _rate_json(video_id: str, point: ResumePoint | None) -> dict[str, Any]:
    is_marked = point is not None and point.is_only_marked
    return {
        "video_id": int(video_id),
        "progress_rate": 100 if is_marked else int(point.percent or 0) if point else 0,
        "is_completed": is_marked or (point is not None and point.completed is True),
        "last_watched_at": point.updated_at if point else None,
    }
