"""`/api/history`: the archived points of a user, including points that expired in Redis."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import Response, request

from resume_service.archive.history import History
from resume_service.archive.schemas import EXAMPLE, ArchivedPointSchema, HistoryQuery
from resume_service.clock import iso
from resume_service.resume.model import ArchivedPoint
from resume_service.web.blueprint import Blueprint
from resume_service.web.context import current_user
from resume_service.web.messages import flask_response, json_number, json_response
from resume_service.web.pagination import PageCursor
from resume_service.web.services import services

blp = Blueprint("history", __name__, url_prefix="/api/history")


@blp.route("")
@blp.arguments(HistoryQuery, location="query", error_status_code=422)
@blp.response(
    200,
    ArchivedPointSchema(many=True),
    example=[EXAMPLE],
    headers={
        "Link": {
            "description": "Address of the next page. Absent on the last page.",
            "schema": {"type": "string"},
        }
    },
)
@blp.errors(401, 422, 503)
def history(query: dict[str, Any]) -> Response:
    """The signed-in user's archived points, newest first. A new save appears within a minute."""
    page = (
        services()
        .get(History)
        .page(current_user().user_id, limit=query["limit"], after=query.get("cursor"))
    )
    response = flask_response(json_response([_point_json(point) for point in page.items]))
    if page.next:
        start = {"cursor": PageCursor.text(page.next)}
        link = f"{request.path}?{urlencode(request.args.to_dict() | start)}"
        response.headers["Link"] = f'<{link}>; rel="next"'
    return response


def _point_json(point: ArchivedPoint) -> dict[str, Any]:
    fields = {
        "videoId": point.video_id,
        "currentTime": json_number(point.position),
        "duration": json_number(point.duration),
        "percent": json_number(point.percent),
        "watched": point.watched,
        "watchedAt": point.watched_at and iso(point.watched_at),
        "completedAt": point.completed_at and iso(point.completed_at),
        "updatedAt": iso(point.updated_at),
    }
    return {name: value for name, value in fields.items() if value is not None}
