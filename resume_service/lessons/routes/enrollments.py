"""`/v1/enrollments`: admins read and change enrollments. Stripe's events change them, too."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response

from resume_service.lessons.enrollments import Enrollments
from resume_service.lessons.routes import admin
from resume_service.lessons.schemas.enrollments import (
    ERROR_EXAMPLES,
    EXAMPLE,
    EXAMPLE_NEW,
    NAMES,
    EnrollmentChange,
    EnrollmentQuery,
    EnrollmentSchema,
    NewEnrollment,
)
from resume_service.lessons.schemas.fields import RowPath
from resume_service.web import pagination
from resume_service.web.services import services

blp = admin.AdminBlueprint("enrollments", __name__, url_prefix="/v1/enrollments")


@blp.route("")
@blp.arguments(EnrollmentQuery, location="query")
@blp.response(200, EnrollmentSchema(many=True), example=[EXAMPLE], headers=pagination.HEADERS)
@blp.errors(401, 403, 422, 503, examples=ERROR_EXAMPLES)
def page(query: dict[str, Any]) -> Response:
    """All enrollments, oldest first."""
    page_request = pagination.page_request(query)
    filters = {name: query[name] for name in ("user_id",) if name in query}
    result = services().get(Enrollments).page(page_request, **filters)
    return admin.page_response(page_request, result, NAMES)


@blp.route("", methods=["POST"])
@blp.arguments(NewEnrollment, example=EXAMPLE_NEW)
@blp.response(201, EnrollmentSchema, example=EXAMPLE)
@blp.errors(400, 401, 403, 413, 415, 422, 503, examples=ERROR_EXAMPLES)
def create(body: dict[str, Any]) -> Response:
    """Add an enrollment."""
    return admin.record_response(services().get(Enrollments).create(body), NAMES, 201)


@blp.route("/<id>")
@blp.arguments(RowPath, location="path", error_status_code=admin.INVALID_ID)
@blp.response(200, EnrollmentSchema, example=EXAMPLE)
@blp.errors(400, 401, 403, 404, 503, examples=ERROR_EXAMPLES)
def read(path: dict[str, UUID], **_: str) -> Response:
    """Read an enrollment."""
    return admin.record_response(services().get(Enrollments).read(path["id"]), NAMES)


@blp.route("/<id>", methods=["PUT"])
@blp.arguments(RowPath, location="path", error_status_code=admin.INVALID_ID)
@blp.arguments(EnrollmentChange, example={"status": "active"})
@blp.response(200, EnrollmentSchema, example=EXAMPLE)
@blp.errors(400, 401, 403, 404, 413, 415, 422, 503, examples=ERROR_EXAMPLES)
def update(path: dict[str, UUID], body: dict[str, Any], **_: str) -> Response:
    """Change the given fields of an enrollment."""
    return admin.record_response(services().get(Enrollments).update(path["id"], body), NAMES)


@blp.route("/<id>", methods=["DELETE"])
@blp.arguments(RowPath, location="path", error_status_code=admin.INVALID_ID)
@blp.response(204)
@blp.errors(400, 401, 403, 404, 503, examples=ERROR_EXAMPLES)
def delete(path: dict[str, UUID], **_: str) -> Response:
    """Delete an enrollment. The user loses access, unless another enrollment gives access."""
    services().get(Enrollments).delete(path["id"])
    return admin.no_content()
