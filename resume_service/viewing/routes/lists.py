"""`/api/v1/viewing`: what a viewer can continue, and the next episodes."""

from __future__ import annotations

from typing import Any

from flask import Response

from resume_service.redis.operation import Operation, run
from resume_service.viewing.continue_watching import ContinueWatching
from resume_service.viewing.next_up import NextUp
from resume_service.viewing.schemas.fields import ListQuery
from resume_service.viewing.schemas.lists import (
    EXAMPLE_CONTINUE,
    EXAMPLE_NEXT_UP,
    ContinueQuery,
    ContinueSchema,
    NextUpSchema,
    begun_json,
    load_query,
    next_json,
)
from resume_service.viewing.viewers import Viewers
from resume_service.web.blueprint import Blueprint
from resume_service.web.fast_route import FastRoute
from resume_service.web.messages import (
    ApiRequest,
    ApiResponse,
    api_request,
    flask_response,
    json_response,
)
from resume_service.web.pagination import page_url

blp = Blueprint(
    "viewing",
    __name__,
    url_prefix="/api/v1/viewing",
)


@blp.route("/continue")
@blp.arguments(ContinueQuery, location="query", error_status_code=422)
@blp.response(
    200,
    ContinueSchema,
    example=EXAMPLE_CONTINUE,
    headers={
        "Link": {
            "description": "The URL of the next page. Absent on the last page.",
            "schema": {"type": "string"},
        }
    },
)
@blp.errors(401, 403, 422, 503)
def continue_watching(query: dict[str, Any]) -> Response:
    """List the videos in progress that the viewer may watch, newest first, one of each series."""
    return flask_response(run(_continue_watching(api_request(), query)))


@blp.route("/next-up")
@blp.arguments(ListQuery, location="query", error_status_code=422)
@blp.response(200, NextUpSchema, example=EXAMPLE_NEXT_UP)
@blp.errors(401, 403, 422, 503)
def next_up(query: dict[str, Any]) -> Response:
    """List the next episode of each series in which the viewer has watched an episode.

    The series that was watched last comes first. A series has no item while one of its episodes is
    in progress, after its last episode, or if the viewer has dismissed it.
    """
    return flask_response(run(_next_up(api_request(), query)))


def _fast_continue(request: ApiRequest, _body: bytes) -> Operation[ApiResponse] | None:
    query = load_query(request.query)
    return None if query is None else _continue_watching(request, query)


def _fast_next_up(request: ApiRequest, _body: bytes) -> Operation[ApiResponse] | None:
    query = load_query(request.query)
    return None if query is None or "cursor" in query else _next_up(request, query)


FAST_ROUTES = (
    FastRoute("GET", "/api/v1/viewing/continue", _fast_continue),
    FastRoute("GET", "/api/v1/viewing/next-up", _fast_next_up),
)


def _continue_watching(request: ApiRequest, query: dict[str, Any]) -> Operation[ApiResponse]:
    viewer = yield from request.services.get(Viewers).of(
        request.caller, query.get("userId"), query.get("corporation_id")
    )
    page = yield from request.services.get(ContinueWatching).page(
        viewer, query["limit"], query.get("cursor")
    )
    link = f'<{page_url(request, page.next)}>; rel="next"' if page.next else None
    return json_response(
        {"items": [begun_json(item) for item in page.items]},
        varying=(("Link", link),) if link else (),
    )


def _next_up(request: ApiRequest, query: dict[str, Any]) -> Operation[ApiResponse]:
    viewer = yield from request.services.get(Viewers).of(
        request.caller, query.get("userId"), query.get("corporation_id")
    )
    items = yield from request.services.get(NextUp).items(viewer, query["limit"])
    return json_response({"items": [next_json(item) for item in items]})
