"""`/v1/enrollments`: who is enrolled, kept by hand beside what Stripe tells."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import fields, validate

from resume_service.lessons.enrollments import STATUSES
from resume_service.lessons.routes import admin
from resume_service.web import pagination
from resume_service.web.fields import BodySchema, Moment, UserId

EXAMPLE_NEW = {
    "user_id": "user_123456",
    "status": "active",
    "current_period_end": "2027-11-20T10:00:00.000Z",
}
NAMES = ("id", *EXAMPLE_NEW, "stripe_subscription_id", "created_at", "updated_at")
EXAMPLE = (
    {"id": "2d3e4f50-6172-4839-8a4b-5c6d7e8f9010", "stripe_subscription_id": None}
    | EXAMPLE_NEW
    | admin.TIMES
)
REFUSED = {
    400: admin.NO_UUID,
    404: {"error": "Enrollment not found"},
    422: {
        "error": "Validation failed",
        "details": {"user_id": ["Missing data for required field."]},
    },
}

blp = admin.KeepersBlueprint(
    "enrollments", __name__, url_prefix="/v1/enrollments", description="Who is enrolled."
)


class EnrollmentChange(BodySchema):
    user_id = UserId(metadata={"description": "The `sub` of the user's tokens."})
    status = fields.String(
        validate=validate.OneOf(STATUSES),
        metadata={"description": "`active` and `trialing` open the course."},
    )
    current_period_end = Moment(
        allow_none=True, metadata={"description": "When it is over; null: never."}
    )


class NewEnrollment(EnrollmentChange):
    user_id = UserId(required=True)
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))


class EnrollmentSchema(BodySchema):
    id = fields.UUID(required=True)
    user_id = fields.String(required=True)
    status = fields.String(required=True)
    current_period_end = fields.DateTime(required=True, allow_none=True)
    stripe_subscription_id = fields.String(required=True, allow_none=True)
    created_at = fields.DateTime(required=True)
    updated_at = fields.DateTime(required=True)


class EnrollmentQuery(pagination.PageQuery):
    user_id = UserId(metadata={"description": "Only enrollments of this user."})


@blp.route("")
@blp.arguments(EnrollmentQuery, location="query")
@blp.response(200, EnrollmentSchema(many=True), example=[EXAMPLE], headers=pagination.HEADERS)
@blp.errors(401, 403, 422, 503, says=REFUSED)
def page(query: dict[str, Any]) -> Response:
    """Every enrollment, oldest first."""
    part = pagination.slice_of(query)
    wanted = {name: query[name] for name in ("user_id",) if name in query}
    return admin.listed(part, admin.school().enrollments.page(part, **wanted), NAMES)


@blp.route("", methods=["POST"])
@blp.arguments(NewEnrollment, example=EXAMPLE_NEW)
@blp.response(201, EnrollmentSchema, example=EXAMPLE)
@blp.errors(400, 401, 403, 413, 415, 422, 503, says=REFUSED)
def create(body: dict[str, Any]) -> Response:
    """Add an enrollment."""
    return admin.answered(admin.school().enrollments.create(body), NAMES, 201)


@blp.route("/<id>")
@blp.arguments(admin.RowPath, location="path", error_status_code=admin.INVALID_ID)
@blp.response(200, EnrollmentSchema, example=EXAMPLE)
@blp.errors(400, 401, 403, 404, 503, says=REFUSED)
def read(path: dict[str, UUID], **_: str) -> Response:
    """An enrollment."""
    return admin.answered(admin.school().enrollments.read(path["id"]), NAMES)


@blp.route("/<id>", methods=["PUT"])
@blp.arguments(admin.RowPath, location="path", error_status_code=admin.INVALID_ID)
@blp.arguments(EnrollmentChange, example={"status": "active"})
@blp.response(200, EnrollmentSchema, example=EXAMPLE)
@blp.errors(400, 401, 403, 404, 413, 415, 422, 503, says=REFUSED)
def update(path: dict[str, UUID], body: dict[str, Any], **_: str) -> Response:
    """Change what is given of an enrollment."""
    return admin.answered(admin.school().enrollments.update(path["id"], body), NAMES)


@blp.route("/<id>", methods=["DELETE"])
@blp.arguments(admin.RowPath, location="path", error_status_code=admin.INVALID_ID)
@blp.response(204)
@blp.errors(400, 401, 403, 404, 503, says=REFUSED)
def delete(path: dict[str, UUID], **_: str) -> Response:
    """End an enrollment."""
    admin.school().enrollments.delete(path["id"])
    return admin.gone()
