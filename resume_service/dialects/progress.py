"""`/api/progress`: resume points in the words of a platform of Clerk users and TMDB videos."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import quote, urlencode

from flask import Response, jsonify, request
from marshmallow import Schema, ValidationError, fields, validates_schema

from resume_service.http import (
    SaveBlueprint,
    arrived_at,
    current_user,
    empty_response,
    json_number,
    services,
    unless_unchanged,
)
from resume_service.resume.model import Cursor, Measurement, ResumePoint, Status, iso, measured_at
from resume_service.resume.schemas import (
    BodySchema,
    Milliseconds,
    PageCursor,
    PageSize,
    Seconds,
    UserId,
    VideoId,
)

INVALID = 400
"""The status of a failed validation in this API."""
EXAMPLE_SAVE = {"clerkId": "user_123456", "tmdbId": "12345", "currentTime": 3600, "duration": 5400}
EXAMPLE_POINT = {
    "currentTime": 3600,
    "updatedAt": "2026-11-20T10:00:00.000Z",
    "duration": 5400,
    "percent": 66.67,
    "watched": False,
    "completed": False,
}
RESUME_APPLIED = {
    "description": "`false` when a later measurement was already stored, and stays.",
    "schema": {"type": "string", "enum": ["true", "false"]},
}
ETAG = {"schema": {"type": "string"}}

blp = SaveBlueprint(
    "progress", __name__, url_prefix="/api/progress", description="Where each viewer goes on."
)


class SaveSchema(BodySchema):
    """What a player reports. `userId` and `videoId` may stand for `clerkId` and `tmdbId`."""

    clerkId = UserId(metadata={"description": "The user: the token's `sub`."})
    userId = UserId(metadata={"description": "`clerkId` by its neutral name."})
    tmdbId = VideoId(metadata={"description": "The video; any id."})
    videoId = VideoId(metadata={"description": "`tmdbId` by its neutral name."})
    currentTime = Seconds(required=True, metadata={"description": "Seconds from the start."})
    duration = Seconds(above_zero=True, metadata={"description": "Length of the video, seconds."})
    ageMs = Milliseconds(
        load_default=0,
        metadata={"description": "How long ago `currentTime` was measured, by a monotonic clock."},
    )

    class Meta(BodySchema.Meta):
        json_schema: ClassVar = {  # what exactly_one_name checks, in the OpenAPI document's words
            "allOf": [
                {"oneOf": [{"required": ["clerkId"]}, {"required": ["userId"]}]},
                {"oneOf": [{"required": ["tmdbId"]}, {"required": ["videoId"]}]},
            ]
        }

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def exactly_one_name(self, _valid: object, body: dict[str, Any], **_: Any) -> None:
        faults = {}
        for name, neutral in (("clerkId", "userId"), ("tmdbId", "videoId")):
            if name in body and neutral in body:
                faults[name] = [f"Give {name} or {neutral}, not both."]
            elif name not in body and neutral not in body:
                faults[name] = ["Missing data for required field."]
        if faults:
            raise ValidationError(faults)


class PointPath(Schema):
    clerkId = UserId(required=True)
    tmdbId = VideoId(required=True)


class UserPath(Schema):
    clerkId = UserId(required=True)


class Conditions(Schema):
    """Read by werkzeug; stands here so that the OpenAPI document names it."""

    if_none_match = fields.String(data_key="If-None-Match")


class ListQuery(Schema):
    limit = PageSize(most=100, metadata={"description": "Points a page; all without it."})
    cursor = PageCursor(metadata={"description": "From the `Link` to the next page."})
    status = fields.Enum(
        Status, by_value=True, metadata={"description": "Only points that stand so."}
    )


class PointSchema(Schema):
    """A resume point. What needs a known duration is absent without one."""

    currentTime = fields.Float(required=True, metadata={"description": "Seconds."})
    updatedAt = fields.DateTime(required=True, metadata={"description": "When it was measured."})
    duration = fields.Float(metadata={"description": "Seconds."})
    percent = fields.Float(metadata={"minimum": 0, "maximum": 100})
    watched = fields.Boolean(metadata={"description": "Ever at WATCHED_PERCENT or beyond."})
    completed = fields.Boolean(metadata={"description": "At 100 % as it stands."})


class ListedPointSchema(PointSchema):
    tmdbId = fields.String(required=True)


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
