"""`/api/progress`: resume points in the words of a platform of Clerk users and TMDB videos."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

from flask import Response, jsonify, request

from resume_service.dialects.progress_schemas import (
    ETAG,
    EXAMPLE_POINT,
    EXAMPLE_SAVE,
    RESUME_APPLIED,
    Conditions,
    ListedPointSchema,
    ListQuery,
    PointPath,
    PointSchema,
    SaveSchema,
    UserPath,
)
from resume_service.http import (
    SaveBlueprint,
    arrived_at,
    current_user,
    empty_response,
    json_number,
    services,
    unless_unchanged,
)
from resume_service.resume.model import Cursor, Measurement, ResumePoint, iso, measured_at
from resume_service.resume.schemas import PageCursor

INVALID = 400
"""The status of a failed validation in this API."""

blp = SaveBlueprint(
    "progress", __name__, url_prefix="/api/progress", description="Where each viewer goes on."
)


@blp.route("", methods=["POST"])
@blp.arguments(SaveSchema, example=EXAMPLE_SAVE, error_status_code=INVALID)
@blp.response(204, headers={"Resume-Applied": RESUME_APPLIED})
@blp.errors(400, 401, 403, 413, 415, 503)
def save(body: dict[str, Any]) -> Response:
    """Save where a viewer is, unless a later measurement is already stored.

    The same JSON may be sent as `text/plain`.
    """
    seen = _measurement(body)
    current_user().require_access_to(seen.user_id)
    applied = services().points.save(seen)
    return empty_response({"Resume-Applied": "true" if applied else "false"})


@blp.route("/<clerkId>/<tmdbId>")
@blp.arguments(PointPath, location="path", error_status_code=INVALID)
@blp.arguments(Conditions, location="headers", error_status_code=INVALID)
@blp.response(200, PointSchema, example=EXAMPLE_POINT, headers={"ETag": ETAG})
@blp.doc(responses={"304": {"description": "Not modified", "headers": {"ETag": ETAG}}})
@blp.errors(400, 401, 403, 404, 503)
def read(path: dict[str, str], _conditions: dict[str, str], **_: str) -> Response:
    """Where a viewer goes on with one video."""
    current_user().require_access_to(path["clerkId"])
    point = services().points.get(path["clerkId"], path["tmdbId"])
    response = jsonify(_point_json(point))
    response.add_etag()
    return unless_unchanged(response)


@blp.route("/<clerkId>")
@blp.arguments(UserPath, location="path", error_status_code=INVALID)
@blp.arguments(ListQuery, location="query", error_status_code=INVALID)
@blp.response(
    200,
    ListedPointSchema(many=True),
    example=[{"tmdbId": "12345"} | EXAMPLE_POINT],
    headers={"Link": {"description": "The next page, if any.", "schema": {"type": "string"}}},
)
@blp.errors(400, 401, 403, 503)
def list_points(path: dict[str, str], query: dict[str, Any], **_: str) -> Response:
    """A viewer's points, newest first: continue watching."""
    current_user().require_access_to(path["clerkId"])
    page = services().points.list(
        path["clerkId"],
        limit=query.get("limit"),
        after=query.get("cursor"),
        status=query.get("status"),
    )
    response = jsonify([{"tmdbId": point.video_id} | _point_json(point) for point in page.points])
    if page.next:
        response.headers["Link"] = f'<{_page_url(page.next)}>; rel="next"'
    return response


@blp.route("/<clerkId>/<tmdbId>", methods=["DELETE"])
@blp.arguments(PointPath, location="path", error_status_code=INVALID)
@blp.response(204)
@blp.errors(400, 401, 403, 404, 503)
def delete(path: dict[str, str], **_: str) -> Response:
    """Forget where a viewer was in one video."""
    current_user().require_access_to(path["clerkId"])
    services().points.delete(path["clerkId"], path["tmdbId"], arrived_at())
    return empty_response()


def _measurement(body: dict[str, Any]) -> Measurement:
    return Measurement(
        user_id=body.get("clerkId") or body["userId"],
        video_id=body.get("tmdbId") or body["videoId"],
        position=body["currentTime"],
        measured_at=measured_at(arrived_at(), body["ageMs"]),
        duration=body.get("duration"),
    )


def _point_json(point: ResumePoint) -> dict[str, Any]:
    known = {
        "duration": json_number(point.duration),
        "percent": json_number(point.percent),
        "watched": point.watched,
        "completed": point.completed,
    }
    return {
        "currentTime": json_number(point.position),
        "updatedAt": iso(point.updated_at),
        **{name: value for name, value in known.items() if value is not None},
    }


def _page_url(start: Cursor) -> str:
    """This request's own path and query, from `start` on."""
    query = request.args.to_dict() | {"cursor": PageCursor.text(start)}
    return f"{quote(request.path)}?{urlencode(query)}"
