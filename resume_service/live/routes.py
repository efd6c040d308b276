"""`/api/progress/events`: a stream with the changes of a user's points."""

from __future__ import annotations

import re

from flask import Response, request

from resume_service.event_streams import hand_over
from resume_service.ids import RESERVED_USER_IDS
from resume_service.live.schemas import EXAMPLE_EVENTS, INVALID, UserQuery
from resume_service.live.server_sent_events import MEDIA_TYPE
from resume_service.live.streams import LiveStreams
from resume_service.redis.operation import Operation, run
from resume_service.web.blueprint import Blueprint
from resume_service.web.fast_route import FastRoute
from resume_service.web.messages import ApiRequest, ApiResponse, api_request

HEADERS = (("Content-Type", MEDIA_TYPE), ("X-Accel-Buffering", "no"))
"""nginx must not collect the events of a response before it passes them on."""
PATH = "/api/progress/events"
_match_simple_user = re.compile(r"userId=([A-Za-z0-9._-]{1,128})").fullmatch
"""Matches the query with a user id in which nothing is escaped."""

blp = Blueprint("live", __name__, url_prefix="/api/progress")


@blp.route("/events")
@blp.arguments(UserQuery, location="query", error_status_code=INVALID)
@blp.doc(
    responses={
        "200": {
            "description": "Server-sent events, until the client, the token or the service ends.",
            "content": {MEDIA_TYPE: {"schema": {"type": "string"}, "example": EXAMPLE_EVENTS}},
        }
    }
)
@blp.errors(400, 401, 403, 429, 503)
def events(query: dict[str, str]) -> Response:
    """Stream the changes of a viewer's points.

    The first event `points` has the newest 20 points, as the list with `limit=20`. It comes again
    after an outage, and in place of many changes. `point` has the new state of a point, and `gone`
    the id of a deleted one. After `bye`, connect again. A comment comes every 15 seconds.
    """
    call = api_request()
    user_id = query.get("userId", call.caller.user_id)
    if request.method == "HEAD":
        call.caller.require_access_to(user_id)
        return Response(headers=HEADERS)
    opened = run(_open(call, user_id))
    if opened.stream:
        hand_over(request.environ, opened.stream)
    return Response(iter(()), opened.status, opened.headers)


def _fast_events(request: ApiRequest, _body: bytes) -> Operation[ApiResponse] | None:
    user_id = request.caller.user_id
    if request.query:
        matched = _match_simple_user(request.query)
        if matched is None or matched[1] in RESERVED_USER_IDS:
            return None
        user_id = matched[1]
    return _open(request, user_id)


FAST_ROUTES = (FastRoute("GET", PATH, _fast_events),)


def _open(request: ApiRequest, user_id: str) -> Operation[ApiResponse]:
    request.caller.require_access_to(user_id)
    streams = request.services.get(LiveStreams)
    stream = yield from streams.open(user_id, request.caller.expires_at)
    return ApiResponse(200, HEADERS, stream=stream)
