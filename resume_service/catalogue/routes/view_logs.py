"""`/v1/view-logs`: read whether a user has viewed a video, and log a view without a stream."""

from __future__ import annotations

from typing import Any

from flask import Response

from resume_service.accounts import permissions
from resume_service.accounts.users import Users
from resume_service.auth.identity import Role
from resume_service.catalogue.schemas.view_logs import (
    EXAMPLE,
    EXAMPLE_BODY,
    ViewLogSchema,
    ViewSchema,
)
from resume_service.catalogue.streams import Streams
from resume_service.catalogue.view_logs import NO_USER, ViewLogs
from resume_service.clock import iso
from resume_service.errors import Forbidden, NotFound, ValidationFailed
from resume_service.web.blueprint import Blueprint
from resume_service.web.context import arrived_at
from resume_service.web.error_responses import named_error_response
from resume_service.web.messages import flask_response, json_response
from resume_service.web.services import services

LOGGED_BEFORE = {
    "description": "The view was logged before.",
    "content": {"application/json": {"schema": ViewLogSchema, "example": EXAMPLE}},
}
INVALID = named_error_response(422, ValidationFailed.message, video_id=["Must be an integer."])

blp = Blueprint("view_logs", __name__, url_prefix="/v1/view-logs")


@blp.route("/<row:user_id>/<row:video_id>")
@blp.response(200, {"type": "boolean"}, example=True)
@blp.errors(401, 403, 503)
@blp.doc(responses={"404": named_error_response(404, NO_USER)})
def has_viewed(user_id: int, video_id: int) -> Response:
    """Get whether a user has viewed a video.

    Allowed for that user, for admins of its company and for services.
    """
    services().get(Users).by_id(user_id, permissions.actor())
    return flask_response(json_response(services().get(ViewLogs).exists(user_id, video_id)))


@blp.route("", methods=["POST"])
@blp.arguments(ViewSchema, example=EXAMPLE_BODY)
@blp.response(201, ViewLogSchema, example=EXAMPLE)
@blp.errors(400, 401, 403, 413, 415, 503)
@blp.doc(
    responses={"200": LOGGED_BEFORE, "404": named_error_response(404, NO_USER), "422": INVALID}
)
def log_view(body: dict[str, Any]) -> Response:
    """Log a view without points. A later stream can still earn the points."""
    user_id = _viewer(body.get("user_id"))
    services().get(Streams).require_watchable(body["video_id"], permissions.current_identity())
    viewed = services().get(ViewLogs).write(user_id, body["video_id"], arrived_at())
    row = {"user_id": user_id, "video_id": body["video_id"], "created_at": iso(viewed.created_at)}
    return flask_response(json_response(row, status=201 if viewed.is_new else 200))


def _viewer(requested: int | None) -> int:
    """Return the id of the user to log the view for: `requested`, or else the caller.

    Raises Forbidden if `requested` is another user and the caller is not a service. Raises NotFound
    if `requested` is None and the caller has no account.
    """
    caller = permissions.actor()
    if requested not in (None, caller.account_id) and caller.role is not Role.SERVICE:
        raise Forbidden
    user_id = caller.account_id if requested is None else requested
    if user_id is None:
        raise NotFound(NO_USER)
    return user_id
