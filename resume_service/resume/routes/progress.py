"""`/api/progress`: resume points of Clerk users and TMDB videos."""

from __future__ import annotations

from typing import Any

from flask import Response

from resume_service.ids import RESERVED_USER_IDS
from resume_service.redis.operation import Operation, run
from resume_service.resume.model import EventType, Mark
from resume_service.resume.point_events import PointEvents
from resume_service.resume.point_json import listed_point_json, point_json
from resume_service.resume.schemas.fast_progress import (
    SaveBody,
    check_point_path,
    check_user_path,
    load_query,
    load_save,
)
from resume_service.resume.schemas.progress import (
    ETAG,
    EXAMPLE_POINT,
    EXAMPLE_SAVE,
    INVALID,
    RESUME_APPLIED,
    AgeQuery,
    Conditions,
    ListedPointSchema,
    ListQuery,
    PointPath,
    PointSchema,
    SaveSchema,
    UserPath,
)
from resume_service.resume.store import ResumeStore
from resume_service.web.ages import age_in, require_age
from resume_service.web.blueprint import BeaconBlueprint
from resume_service.web.fast_route import FastRoute
from resume_service.web.messages import (
    ApiRequest,
    ApiResponse,
    api_request,
    flask_response,
    json_response,
    json_response_with_etag,
)
from resume_service.web.pagination import page_url
from resume_service.web.save_responses import RESUME_EVERY_DOC, SaveResponses

DELETED = ApiResponse(204)

blp = BeaconBlueprint(
    "progress",
    __name__,
    url_prefix="/api/progress",
)


@blp.route("", methods=["POST"])
@blp.arguments(SaveSchema, example=EXAMPLE_SAVE, error_status_code=INVALID)
@blp.response(204, headers={"Resume-Applied": RESUME_APPLIED} | RESUME_EVERY_DOC)
@blp.errors(400, 401, 403, 413, 415, 503)
def save(body: dict[str, Any]) -> Response:
    """Save a viewer's position. The save that was measured last decides the position.

    The Content-Type of the JSON body may also be `text/plain`.
    """
    return flask_response(run(_save(api_request(), SaveBody(**body))))


@blp.route("/<clerkId>/<tmdbId>")
@blp.arguments(PointPath, location="path", error_status_code=INVALID)
@blp.arguments(Conditions, location="headers", error_status_code=INVALID)
@blp.response(200, PointSchema, example=EXAMPLE_POINT, headers={"ETag": ETAG})
@blp.doc(responses={"304": {"description": "Not modified", "headers": {"ETag": ETAG}}})
@blp.errors(400, 401, 403, 404, 503)
def read(path: dict[str, str], _conditions: dict[str, str], **_: str) -> Response:
    """Return a viewer's position in one video."""
    return flask_response(run(_read(api_request(), path["clerkId"], path["tmdbId"])))


@blp.route("/<clerkId>")
@blp.arguments(UserPath, location="path", error_status_code=INVALID)
@blp.arguments(ListQuery, location="query", error_status_code=INVALID)
@blp.response(
    200,
    ListedPointSchema(many=True),
    example=[{"tmdbId": "12345"} | EXAMPLE_POINT],
    headers={
        "Link": {
            "description": "The URL of the next page. Absent on the last page.",
            "schema": {"type": "string"},
        }
    },
)
@blp.errors(400, 401, 403, 503)
def list_points(path: dict[str, str], query: dict[str, Any], **_: str) -> Response:
    """Return a viewer's points for a "continue watching" list. The newest point comes first."""
    return flask_response(run(_list(api_request(), path["clerkId"], query)))


@blp.route("/<clerkId>/<tmdbId>", methods=["DELETE"])
@blp.arguments(PointPath, location="path", error_status_code=INVALID)
@blp.arguments(AgeQuery, location="query", error_status_code=INVALID)
@blp.response(204)
@blp.errors(400, 401, 403, 404, 503)
def delete(path: dict[str, str], query: dict[str, int], **_: str) -> Response:
    """Delete a viewer's position in one video, and the events measured before the deletion.

    If there is no point, the response is 404, but the deletion is stored: an earlier save may arrive.
    """
    operation = _delete(api_request(), path["clerkId"], path["tmdbId"], query["ageMs"])
    return flask_response(run(operation))


def _fast_save(request: ApiRequest, body: bytes) -> Operation[ApiResponse]:
    return _save(request, load_save(body))


def _fast_read(
    request: ApiRequest, _body: bytes, user_id: str, video_id: str
) -> Operation[ApiResponse] | None:
    if request.query or user_id in RESERVED_USER_IDS:
        return None
    check_point_path(user_id, video_id)
    return _read(request, user_id, video_id)


def _fast_list(request: ApiRequest, _body: bytes, user_id: str) -> Operation[ApiResponse] | None:
    query = load_query(request.query)
    if query is None or user_id in RESERVED_USER_IDS:
        return None
    check_user_path(user_id)
    return _list(request, user_id, query)


def _fast_delete(
    request: ApiRequest, _body: bytes, user_id: str, video_id: str
) -> Operation[ApiResponse] | None:
    age_ms = age_in(request.query)
    if age_ms is None or user_id in RESERVED_USER_IDS:
        return None
    check_point_path(user_id, video_id)
    return _delete(request, user_id, video_id, age_ms)


FAST_ROUTES = (
    FastRoute("POST", "/api/progress", _fast_save, BeaconBlueprint.ARGUMENTS_PARSER.media_types),
    FastRoute("GET", "/api/progress/<clerkId>/<tmdbId>", _fast_read),
    FastRoute("GET", "/api/progress/<clerkId>", _fast_list),
    FastRoute("DELETE", "/api/progress/<clerkId>/<tmdbId>", _fast_delete),
)


def _save(request: ApiRequest, body: SaveBody) -> Operation[ApiResponse]:
    points = request.services.get(ResumeStore)
    require_age(body.ageMs, points.longest_age_ms, INVALID)
    request.caller.require_access_to(body.user_id)
    applied = yield from points.save(body.measurement(request.arrived_ms))
    responses = request.services.get(SaveResponses)
    return responses.applied if applied else responses.ignored


def _read(request: ApiRequest, user_id: str, video_id: str) -> Operation[ApiResponse]:
    request.caller.require_access_to(user_id)
    point = yield from request.services.get(ResumeStore).get(user_id, video_id)
    return json_response_with_etag(point_json(point), request.if_none_match)


def _delete(
    request: ApiRequest, user_id: str, video_id: str, age_ms: int
) -> Operation[ApiResponse]:
    require_age(age_ms, request.services.get(ResumeStore).longest_age_ms, INVALID)
    request.caller.require_access_to(user_id)
    mark = Mark(user_id, video_id, request.arrived_ms, EventType.DELETE, age_ms)
    yield from request.services.get(PointEvents).apply(mark)
    return DELETED


def _list(request: ApiRequest, user_id: str, query: dict[str, Any]) -> Operation[ApiResponse]:
    request.caller.require_access_to(user_id)
    page = yield from request.services.get(ResumeStore).list(
        user_id,
        request.arrived_ms,
        limit=query.get("limit"),
        after=query.get("cursor"),
        status=query.get("status"),
    )
    link = f'<{page_url(request, page.next)}>; rel="next"' if page.next else None
    return json_response(
        [listed_point_json(point) for point in page.items],
        varying=(("Link", link),) if link else (),
    )
