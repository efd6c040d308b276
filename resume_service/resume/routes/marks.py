"""`/api/progress/{user}/{video}/watched` and `/dismissed`: marks that a viewer sets by hand."""

from __future__ import annotations

import functools

from flask import Response

from resume_service.ids import RESERVED_USER_IDS
from resume_service.redis.operation import Operation, run
from resume_service.resume.model import EventType, Mark
from resume_service.resume.point_events import PointEvents
from resume_service.resume.schemas.fast_progress import check_point_path
from resume_service.resume.schemas.marks import EXAMPLE_MARK, AgeSchema, load_mark_age
from resume_service.resume.schemas.progress import INVALID, AgeQuery, PointPath
from resume_service.resume.store import ResumeStore
from resume_service.web.ages import age_in, require_age
from resume_service.web.blueprint import Blueprint
from resume_service.web.bodies import OptionalBodyParser
from resume_service.web.fast_route import FastRoute
from resume_service.web.messages import ApiRequest, ApiResponse, api_request, flask_response

PREFIX = "/api/progress"
WATCHED_PATH = "/<clerkId>/<tmdbId>/watched"
DISMISSED_PATH = "/<clerkId>/<tmdbId>/dismissed"
MARKED = ApiResponse(204)


class MarkBlueprint(Blueprint):
    """Routes for which the request body is optional."""

    ARGUMENTS_PARSER = OptionalBodyParser()


blp = MarkBlueprint("marks", __name__, url_prefix=PREFIX)


@blp.route(WATCHED_PATH, methods=["PUT"])
@blp.arguments(PointPath, location="path", error_status_code=INVALID)
@blp.arguments(AgeSchema, required=False, example=EXAMPLE_MARK, error_status_code=INVALID)
@blp.response(204)
@blp.errors(400, 401, 403, 413, 415, 503)
def mark_watched(path: dict[str, str], body: dict[str, int], **_: str) -> Response:
    """Mark a video as watched. A video without a point gets a point at 0."""
    return _in_flask(EventType.WATCHED, path, body)


@blp.route(WATCHED_PATH, methods=["DELETE"])
@blp.arguments(PointPath, location="path", error_status_code=INVALID)
@blp.arguments(AgeQuery, location="query", error_status_code=INVALID)
@blp.response(204)
@blp.errors(400, 401, 403, 404, 503)
def mark_unwatched(path: dict[str, str], query: dict[str, int], **_: str) -> Response:
    """Mark a video as not watched. The position does not change.

    If there is no point, the response is 404, but the mark is stored: an earlier save may arrive.
    """
    return _in_flask(EventType.UNWATCHED, path, query)


@blp.route(DISMISSED_PATH, methods=["PUT"])
@blp.arguments(PointPath, location="path", error_status_code=INVALID)
@blp.arguments(AgeSchema, required=False, example=EXAMPLE_MARK, error_status_code=INVALID)
@blp.response(204)
@blp.errors(400, 401, 403, 413, 415, 503)
def dismiss(path: dict[str, str], body: dict[str, int], **_: str) -> Response:
    """Remove a video from "continue watching" until its next save."""
    return _in_flask(EventType.DISMISSED, path, body)


@blp.route(DISMISSED_PATH, methods=["DELETE"])
@blp.arguments(PointPath, location="path", error_status_code=INVALID)
@blp.arguments(AgeQuery, location="query", error_status_code=INVALID)
@blp.response(204)
@blp.errors(400, 401, 403, 404, 503)
def undo_dismiss(path: dict[str, str], query: dict[str, int], **_: str) -> Response:
    """Put a dismissed video back. If there is no point, the response is 404."""
    return _in_flask(EventType.UNDISMISSED, path, query)


def _in_flask(event: EventType, path: dict[str, str], age: dict[str, int]) -> Response:
    operation = _mark(event, api_request(), path["clerkId"], path["tmdbId"], age["ageMs"])
    return flask_response(run(operation))


def _fast_put(
    event: EventType, request: ApiRequest, body: bytes, user_id: str, video_id: str
) -> Operation[ApiResponse] | None:
    if request.query or user_id in RESERVED_USER_IDS:
        return None
    check_point_path(user_id, video_id)
    return _mark(event, request, user_id, video_id, load_mark_age(body))


def _fast_delete(
    event: EventType, request: ApiRequest, _body: bytes, user_id: str, video_id: str
) -> Operation[ApiResponse] | None:
    age_ms = age_in(request.query)
    if age_ms is None or user_id in RESERVED_USER_IDS:
        return None
    check_point_path(user_id, video_id)
    return _mark(event, request, user_id, video_id, age_ms)


def _mark(
    event: EventType, request: ApiRequest, user_id: str, video_id: str, age_ms: float
) -> Operation[ApiResponse]:
    require_age(age_ms, request.services.get(ResumeStore).longest_age_ms, INVALID)
    request.caller.require_access_to(user_id)
    mark = Mark(user_id, video_id, request.arrived_ms, event, int(age_ms))
    yield from request.services.get(PointEvents).apply(mark)
    return MARKED


def _fast_routes(path: str, put: EventType, delete: EventType) -> tuple[FastRoute, ...]:
    media_types, rule = MarkBlueprint.ARGUMENTS_PARSER.media_types, f"{PREFIX}{path}"
    set_mark, remove = functools.partial(_fast_put, put), functools.partial(_fast_delete, delete)
    return (
        FastRoute("PUT", rule, set_mark, media_types, is_body_optional=True),
        FastRoute("DELETE", rule, remove),
    )


FAST_ROUTES = (
    *_fast_routes(WATCHED_PATH, EventType.WATCHED, EventType.UNWATCHED),
    *_fast_routes(DISMISSED_PATH, EventType.DISMISSED, EventType.UNDISMISSED),
)
