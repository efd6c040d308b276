"""`/api/progress`: resume points in the words of a platform of Clerk users and TMDB videos."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from flask import Response, request
from marshmallow import ValidationError
from werkzeug.http import generate_etag, quote_etag

from resume_service.auth.identity import Identity
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
    flawless_save,
)
from resume_service.http import (
    Answer,
    SaveBlueprint,
    arrived_at,
    current_user,
    decoded,
    json_answer,
    json_number,
    respond,
    services,
    unless_unchanged,
)
from resume_service.ids import id_faults, user_id_faults
from resume_service.quick_route import QuickRequest, QuickRoute
from resume_service.resume.model import Cursor, Measurement, ResumePoint, iso, measured_at
from resume_service.resume.schemas import PageCursor
from resume_service.resume.store import ResumeStore

INVALID = 400
"""The status of a failed validation in this API."""
SAVED = Answer(204, {"Resume-Applied": "true"})
IGNORED = Answer(204, {"Resume-Applied": "false"})

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
    return respond(_save(services().points, current_user(), body, arrived_at()))


@blp.route("/<clerkId>/<tmdbId>")
@blp.arguments(PointPath, location="path", error_status_code=INVALID)
@blp.arguments(Conditions, location="headers", error_status_code=INVALID)
@blp.response(200, PointSchema, example=EXAMPLE_POINT, headers={"ETag": ETAG})
@blp.doc(responses={"304": {"description": "Not modified", "headers": {"ETag": ETAG}}})
@blp.errors(400, 401, 403, 404, 503)
def read(path: dict[str, str], _conditions: dict[str, str], **_: str) -> Response:
    """Where a viewer goes on with one video."""
    point = _read(services().points, current_user(), path["clerkId"], path["tmdbId"])
    return unless_unchanged(respond(point))


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
    page_url = functools.partial(_page_url, request.path, request.args.to_dict())
    return respond(_list(services().points, current_user(), path["clerkId"], query, page_url))


@blp.route("/<clerkId>/<tmdbId>", methods=["DELETE"])
@blp.arguments(PointPath, location="path", error_status_code=INVALID)
@blp.response(204)
@blp.errors(400, 401, 403, 404, 503)
def delete(path: dict[str, str], **_: str) -> Response:
    """Forget where a viewer was in one video."""
    current_user().require_access_to(path["clerkId"])
    services().points.delete(path["clerkId"], path["tmdbId"], arrived_at())
    return respond(Answer(204))


def _quick_save(asked: QuickRequest) -> Answer | None:
    try:
        body = flawless_save(decoded(asked.body))
    except (ValueError, RecursionError):
        return None
    if body is None:
        return None
    return _save(asked.points, asked.caller, body, asked.arrived_at)


def _quick_read(asked: QuickRequest, user_id: str, video_id: str) -> Answer | None:
    if asked.query or user_id_faults(user_id) or id_faults(video_id):
        return None
    return _read(asked.points, asked.caller, user_id, video_id)


def _quick_list(asked: QuickRequest, user_id: str) -> Answer | None:
    query = _flawless_query(asked.query)
    if query is None or user_id_faults(user_id):
        return None
    page_url = functools.partial(_page_url, asked.path, dict(parse_qsl(asked.query)))
    return _list(asked.points, asked.caller, user_id, query, page_url)


QUICK_ROUTES = (
    QuickRoute("POST", "/api/progress", _quick_save, SaveBlueprint.ARGUMENTS_PARSER.takes),
    QuickRoute("GET", "/api/progress/<clerkId>/<tmdbId>", _quick_read),
    QuickRoute("GET", "/api/progress/<clerkId>", _quick_list),
)


@functools.lru_cache(maxsize=256)  # the same few first pages are asked for again and again
def _flawless_query(query: str) -> dict[str, Any] | None:
    given = parse_qsl(query)
    if "%" in query or "cursor" in query or len(dict(given)) != query.count("=") or ";" in query:
        return None
    try:
        return dict(ListQuery().load(dict(given)))
    except ValidationError:
        return None


def _save(points: ResumeStore, caller: Identity, body: dict[str, Any], arrival: datetime) -> Answer:
    seen = Measurement(
        user_id=body.get("clerkId") or body["userId"],
        video_id=body.get("tmdbId") or body["videoId"],
        position=body["currentTime"],
        measured_at=measured_at(arrival, body["ageMs"]),
        duration=body.get("duration"),
    )
    caller.require_access_to(seen.user_id)
    return SAVED if points.save(seen) else IGNORED


def _read(points: ResumeStore, caller: Identity, user_id: str, video_id: str) -> Answer:
    caller.require_access_to(user_id)
    answer = json_answer(_point_json(points.get(user_id, video_id)))
    etag = quote_etag(generate_etag(answer.body))
    return answer._replace(headers={**answer.headers, "ETag": etag})


def _list(
    points: ResumeStore,
    caller: Identity,
    user_id: str,
    query: dict[str, Any],
    page_url: Callable[[Cursor], str],
) -> Answer:
    caller.require_access_to(user_id)
    page = points.list(
        user_id, limit=query.get("limit"), after=query.get("cursor"), status=query.get("status")
    )
    answer = json_answer([{"tmdbId": point.video_id} | _point_json(point) for point in page.points])
    if not page.next:
        return answer
    link = f'<{page_url(page.next)}>; rel="next"'
    return answer._replace(headers={**answer.headers, "Link": link})


def _point_json(point: ResumePoint) -> dict[str, Any]:
    known: dict[str, Any] = {
        "currentTime": json_number(point.position),
        "updatedAt": iso(point.updated_at),
    }
    if point.duration is not None:
        known["duration"] = json_number(point.duration)
        known["percent"] = json_number(point.percent)
        known["watched"] = point.watched
        known["completed"] = point.completed
    return known


def _page_url(path: str, query: dict[str, str], start: Cursor) -> str:
    """The path and query of a request as they were, from `start` on."""
    return f"{quote(path)}?{urlencode(query | {'cursor': PageCursor.text(start)})}"
