"""`/v1/series`: marks for all episodes of a series."""

from __future__ import annotations

from typing import Any

from flask import Response

from resume_service.accounts import permissions
from resume_service.redis.operation import run
from resume_service.resume.model import EventType
from resume_service.viewing.schemas.fields import ViewerQuery
from resume_service.viewing.schemas.series import EXAMPLE_CHANGED, ChangedSchema
from resume_service.viewing.series_marks import SeriesMarks
from resume_service.viewing.viewers import Viewers
from resume_service.web.blueprint import Blueprint
from resume_service.web.context import request_start
from resume_service.web.messages import flask_response, json_response
from resume_service.web.services import services

blp = Blueprint("series", __name__, url_prefix="/v1/series")


@blp.route("/<row:series_id>/watched", methods=["PUT"])
@blp.arguments(ViewerQuery, location="query", error_status_code=422)
@blp.response(200, ChangedSchema, example=EXAMPLE_CHANGED)
@blp.errors(401, 403, 404, 422, 503)
def watched(query: dict[str, Any], series_id: int) -> Response:
    """Mark all published episodes that the viewer may watch as watched."""
    return _mark(query, series_id, EventType.WATCHED)


@blp.route("/<row:series_id>/watched", methods=["DELETE"])
@blp.arguments(ViewerQuery, location="query", error_status_code=422)
@blp.response(200, ChangedSchema, example=EXAMPLE_CHANGED)
@blp.errors(401, 403, 404, 422, 503)
def unwatched(query: dict[str, Any], series_id: int) -> Response:
    """Mark these episodes as not watched. Their positions stay."""
    return _mark(query, series_id, EventType.UNWATCHED)


@blp.route("/<row:series_id>/dismissed", methods=["PUT"])
@blp.arguments(ViewerQuery, location="query", error_status_code=422)
@blp.response(200, ChangedSchema, example=EXAMPLE_CHANGED)
@blp.errors(401, 403, 404, 422, 503)
def dismissed(query: dict[str, Any], series_id: int) -> Response:
    """Remove the series from both lists of the viewer, until one of its episodes is saved again."""
    return _mark(query, series_id, EventType.DISMISSED)


@blp.route("/<row:series_id>/dismissed", methods=["DELETE"])
@blp.arguments(ViewerQuery, location="query", error_status_code=422)
@blp.response(200, ChangedSchema, example=EXAMPLE_CHANGED)
@blp.errors(401, 403, 404, 422, 503)
def undismissed(query: dict[str, Any], series_id: int) -> Response:
    """Put the series back into the lists."""
    return _mark(query, series_id, EventType.UNDISMISSED)


def _mark(query: dict[str, Any], series_id: int, mark: EventType) -> Response:
    caller = permissions.current_identity()
    viewer = run(
        services().get(Viewers).of(caller, query.get("userId"), query.get("corporation_id"))
    )
    arrived_ms = request_start().arrived_ms
    changed = run(services().get(SeriesMarks).apply(viewer, series_id, mark, arrived_ms))
    return flask_response(json_response({"changed": changed}))
