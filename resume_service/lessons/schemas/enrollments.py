"""Request and response schemas of `/v1/enrollments`."""

from __future__ import annotations

from marshmallow import fields, validate

from resume_service.lessons.enrollments import STATUSES
from resume_service.lessons.schemas.fields import NO_UUID, TIMES
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
    | TIMES
)
ERROR_EXAMPLES = {
    400: NO_UUID,
    404: {"error": "Enrollment not found"},
    422: {
        "error": "Validation failed",
        "details": {"user_id": ["Missing data for required field."]},
    },
}


class EnrollmentChange(BodySchema):
    user_id = UserId(metadata={"description": "The `sub` of the user's tokens."})
    status = fields.String(
        validate=validate.OneOf(STATUSES),
        metadata={"description": "`active` and `trialing` give access to the course."},
    )
    current_period_end = Moment(
        allow_none=True,
        metadata={"description": "Time when the access ends. Null if the access has no end."},
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
