"""`/api/history`: what the signed-in user has watched, beyond the 30 days of `/api/progress`."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import Response, request
from marshmallow import Schema, fields

from resume_service.resume.bulk_store import ArchivedPoint
from resume_service.resume.model import iso
from resume_service.web.fields import PageCursor, PageSize
from resume_service.web.messages import (
    Blueprint,
    current_user,
    json_answer,
    json_number,
    respond,
    services,
)
from resume_service.web.services import there

MOST = 100
"""Points a page."""
EXAMPLE = {
    "videoId": "12345",
    "currentTime": 5400,
    "duration": 5400,
    "percent": 100,
    "watched": True,
    "watchedAt": "2026-08-20T19:41:00.000Z",
    "completedAt": "2026-08-20T19:50:00.000Z",
    "updatedAt": "2026-08-20T19:50:00.000Z",
}

blp = Blueprint(
    "history", __name__, url_prefix="/api/history", description="What each viewer has watched."
)


class HistoryQuery(Schema):
    limit = PageSize(
        most=MOST, load_default=MOST, metadata={"description": "Points a page.", "default": MOST}
    )
    cursor = PageCursor(metadata={"description": "From the `Link` to the next page."})


class ArchivedPointSchema(Schema):
    """A point as it was archived last. What was never known, or never happened, is absent."""

    videoId = fields.String(required=True)
    currentTime = fields.Float(required=True, metadata={"description": "Seconds."})
    duration = fields.Float(metadata={"description": "Seconds."})
    percent = fields.Float(metadata={"minimum": 0, "maximum": 100})
    watched = fields.Boolean(
        required=True, metadata={"description": "Ever at WATCHED_PERCENT or beyond."}
    )
    watchedAt = fields.DateTime(metadata={"description": "The first time."})
    completedAt = fields.DateTime(metadata={"description": "The first time at 100 %."})
    updatedAt = fields.DateTime(required=True, metadata={"description": "When it was measured."})


@blp.route("")
@blp.arguments(HistoryQuery, location="query", error_status_code=422)
@blp.response(
    200,
    ArchivedPointSchema(many=True),
    example=[EXAMPLE],
    headers={"Link": {"description": "The next page, if any.", "schema": {"type": "string"}}},
)
@blp.errors(401, 422, 503)
def history(query: dict[str, Any]) -> Response:
    """The signed-in user's archive, newest first. It is behind by a minute at most."""
    page = there(services().archive).page(
        current_user().user_id, limit=query["limit"], after=query.get("cursor")
    )
    response = respond(json_answer([_point_json(point) for point in page.points]))
    if page.next:
        start = {"cursor": PageCursor.text(page.next)}
        link = f"{request.path}?{urlencode(request.args.to_dict() | start)}"
        response.headers["Link"] = f'<{link}>; rel="next"'
    return response


def _point_json(point: ArchivedPoint) -> dict[str, Any]:
    known = {
        "videoId": point.video_id,
        "currentTime": json_number(point.position),
        "duration": json_number(point.duration),
        "percent": json_number(point.percent),
        "watched": point.watched,
        "watchedAt": point.watched_at and iso(point.watched_at),
        "completedAt": point.completed_at and iso(point.completed_at),
        "updatedAt": iso(point.updated_at),
    }
    return {name: value for name, value in known.items() if value is not None}
