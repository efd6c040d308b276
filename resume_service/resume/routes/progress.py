"""`/api/progress`: resume points in the words of a platform of Clerk users and TMDB videos."""

from __future__ import annotations

from typing import Any

from flask import Response
from werkzeug.http import generate_etag, quote_etag

from resume_service.clock import iso
from resume_service.ids import id_faults, user_id_faults
from resume_service.resume.model import Measurement, ResumePoint, measured_at
from resume_service.resume.schemas.progress import (
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
    flawless_query,
    flawless_save,
)
from resume_service.resume.store import ResumeStore
from resume_service.web.blueprint import SaveBlueprint
from resume_service.web.bodies import decoded
from resume_service.web.context import arrived_at, current_user
from resume_service.web.fast_route import QuickRoute
from resume_service.web.messages import (
    Answer,
    Asked,
    asked,
    json_answer,
    json_number,
    respond,
    unless_unchanged,
)
from resume_service.web.pagination import page_url
from resume_service.web.services import services

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
    return respond(_save(asked(), body))


@blp.route("/<clerkId>/<tmdbId>")
@blp.arguments(PointPath, location="path", error_status_code=INVALID)
@blp.arguments(Conditions, location="headers", error_status_code=INVALID)
@blp.response(200, PointSchema, example=EXAMPLE_POINT, headers={"ETag": ETAG})
@blp.doc(responses={"304": {"description": "Not modified", "headers": {"ETag": ETAG}}})
@blp.errors(400, 401, 403, 404, 503)
def read(path: dict[str, str], _conditions: dict[str, str], **_: str) -> Response:
    """Where a viewer goes on with one video."""
    return unless_unchanged(respond(_read(asked(), path["clerkId"], path["tmdbId"])))


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
    return respond(_list(asked(), path["clerkId"], query))


@blp.route("/<clerkId>/<tmdbId>", methods=["DELETE"])
@blp.arguments(PointPath, location="path", error_status_code=INVALID)
@blp.response(204)
@blp.errors(400, 401, 403, 404, 503)
def delete(path: dict[str, str], **_: str) -> Response:
    """Forget where a viewer was in one video."""
    current_user().require_access_to(path["clerkId"])
    services().get(ResumeStore).delete(path["clerkId"], path["tmdbId"], arrived_at())
    return respond(Answer(204))


def _quick_save(ask: Asked, body: bytes) -> Answer | None:
    try:
        flawless = flawless_save(decoded(body))
    except (ValueError, RecursionError):
        return None
    return None if flawless is None else _save(ask, flawless)


def _quick_read(ask: Asked, _body: bytes, user_id: str, video_id: str) -> Answer | None:
    if ask.query or user_id_faults(user_id) or id_faults(video_id):
        return None
    return _read(ask, user_id, video_id)


def _quick_list(ask: Asked, _body: bytes, user_id: str) -> Answer | None:
    query = flawless_query(ask.query)
    if query is None or user_id_faults(user_id):
        return None
    return _list(ask, user_id, query)


QUICK_ROUTES = (
    QuickRoute("POST", "/api/progress", _quick_save, SaveBlueprint.ARGUMENTS_PARSER.takes),
    QuickRoute("GET", "/api/progress/<clerkId>/<tmdbId>", _quick_read),
    QuickRoute("GET", "/api/progress/<clerkId>", _quick_list),
)


def _save(ask: Asked, body: dict[str, Any]) -> Answer:
    seen = Measurement(
        user_id=body.get("clerkId") or body["userId"],
        video_id=body.get("tmdbId") or body["videoId"],
        position=body["currentTime"],
        measured_at=measured_at(ask.arrived_at, body["ageMs"]),
        duration=body.get("duration"),
    )
    ask.caller.require_access_to(seen.user_id)
    return SAVED if ask.services.get(ResumeStore).save(seen) else IGNORED


def _read(ask: Asked, user_id: str, video_id: str) -> Answer:
    ask.caller.require_access_to(user_id)
    answer = json_answer(_point_json(ask.services.get(ResumeStore).get(user_id, video_id)))
    etag = quote_etag(generate_etag(answer.body))
    return answer._replace(headers={**answer.headers, "ETag": etag})


def _list(ask: Asked, user_id: str, query: dict[str, Any]) -> Answer:
    ask.caller.require_access_to(user_id)
    page = ask.services.get(ResumeStore).list(
        user_id,
        ask.arrived_at,
        limit=query.get("limit"),
        after=query.get("cursor"),
        status=query.get("status"),
    )
    answer = json_answer([_point_json(point, tmdbId=point.video_id) for point in page.items])
    if page.next is None:
        return answer
    link = f'<{page_url(ask, page.next)}>; rel="next"'
    return answer._replace(headers={**answer.headers, "Link": link})


def _point_json(point: ResumePoint, **known: Any) -> dict[str, Any]:
    """`point`, behind what is `known` of it already."""
    known["currentTime"] = json_number(point.position)
    known["updatedAt"] = iso(point.updated_at)
    if point.duration is not None:
        known["duration"] = json_number(point.duration)
    if point.percent is not None:
        known["percent"] = json_number(point.percent)
    if point.watched is not None:
        known["watched"] = point.watched
    if point.completed is not None:
        known["completed"] = point.completed
    return known
