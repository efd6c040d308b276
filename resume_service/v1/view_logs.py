"""`/v1/view-logs`: whether a user has viewed a video, and saying so without a stream."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flask import Response, jsonify
from marshmallow import Schema, fields, validate

from resume_service.catalogue.view_logs import NO_USER
from resume_service.errors import ValidationFailed
from resume_service.http import EXACT_DIGITS, Blueprint, arrived_at, current_user, services
from resume_service.resume.model import iso
from resume_service.resume.schemas import BodySchema
from resume_service.v1.streams import ID, told

A_ROW = validate.Range(1, 10**EXACT_DIGITS - 1)
"""Of the ids there can be, those that a body read as JSON surely names."""
EXAMPLE_BODY = {"video_id": 7}
EXAMPLE = {"user_id": 3, "video_id": 7, "created_at": "2026-11-21T10:00:00.000Z"}


class ViewLogSchema(Schema):
    user_id = fields.Integer(required=True)
    video_id = fields.Integer(required=True)
    created_at = fields.DateTime(required=True, metadata={"description": "Of the first view."})


AGAIN = {
    "description": "It was there already.",
    "content": {"application/json": {"schema": ViewLogSchema, "example": EXAMPLE}},
}
INVALID = told(422, ValidationFailed.message, video_id=["Not a valid integer."])

blp = Blueprint(
    "view_logs", __name__, url_prefix="/v1/view-logs", description="Who has viewed which video."
)


class ViewSchema(BodySchema):
    video_id = fields.Integer(strict=True, required=True, validate=A_ROW)
    user_id = fields.Integer(
        strict=True,
        validate=A_ROW,
        metadata={"description": "Whose view it is, when a `service` says so."},
    )


@blp.route(f"/<{ID}:user_id>/<{ID}:video_id>")
@blp.response(200, {"type": "boolean"}, example=True)
@blp.errors(401, 403, 503)
@blp.doc(responses={"404": told(404, NO_USER)})
def has_viewed(user_id: int, video_id: int) -> Response:
    """Whether a user has viewed a video: for that user, its company's admins, a service."""
    views = services().views
    views.viewers.require_readable(user_id, current_user())
    return jsonify(views.view_logs.exists(user_id, video_id))


@blp.route("", methods=["POST"])
@blp.arguments(ViewSchema, example=EXAMPLE_BODY)
@blp.response(201, ViewLogSchema, example=EXAMPLE)
@blp.errors(400, 401, 403, 413, 415, 503)
@blp.doc(responses={"200": AGAIN, "404": told(404, NO_USER), "422": INVALID})
def log_view(body: dict[str, Any]) -> Response:
    """Log a view. It earns no points, and leaves those that a stream earns as they are."""
    caller, views = current_user(), services().views
    user_id = views.viewers.logged_for(body.get("user_id"), caller)
    views.streams.require_watchable(body["video_id"], caller)
    viewed = views.view_logs.write(user_id, body["video_id"], arrived_at())
    row = {"user_id": user_id, "video_id": body["video_id"], "created_at": iso(viewed.created_at)}
    response = jsonify(row)
    response.status_code = HTTPStatus.CREATED if viewed.is_new else HTTPStatus.OK
    return response
