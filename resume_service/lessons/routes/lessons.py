"""`/v1/lessons`: admins read and change the lessons of the course."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response

from resume_service.lessons.course import Lessons
from resume_service.lessons.routes import admin
from resume_service.lessons.schemas.fields import RowPath
from resume_service.lessons.schemas.lessons import (
    ERROR_EXAMPLES,
    EXAMPLE,
    EXAMPLE_NEW,
    NAMES,
    LessonChange,
    LessonQuery,
    LessonSchema,
    NewLesson,
)
from resume_service.web import pagination
from resume_service.web.services import services

blp = admin.AdminBlueprint("course-lessons", __name__, url_prefix="/v1/lessons")


@blp.route("")
@blp.arguments(LessonQuery, location="query")
@blp.response(200, LessonSchema(many=True), example=[EXAMPLE], headers=pagination.HEADERS)
@blp.errors(401, 403, 422, 503, examples=ERROR_EXAMPLES)
def page(query: dict[str, Any]) -> Response:
    """All lessons, grouped by module. Within a module, the lessons are in the module's order."""
    page_request = pagination.page_request(query)
    filters = {name: query[name] for name in ("module_id",) if name in query}
    result = services().get(Lessons).page(page_request, **filters)
    return admin.page_response(page_request, result, NAMES)


@blp.route("", methods=["POST"])
@blp.arguments(NewLesson, example=EXAMPLE_NEW)
@blp.response(201, LessonSchema, example=EXAMPLE)
@blp.errors(400, 401, 403, 413, 415, 422, 503, examples=ERROR_EXAMPLES)
def create(body: dict[str, Any]) -> Response:
    """Add a lesson."""
    return admin.record_response(services().get(Lessons).create(body), NAMES, 201)


@blp.route("/<id>")
@blp.arguments(RowPath, location="path", error_status_code=admin.INVALID_ID)
@blp.response(200, LessonSchema, example=EXAMPLE)
@blp.errors(400, 401, 403, 404, 503, examples=ERROR_EXAMPLES)
def read(path: dict[str, UUID], **_: str) -> Response:
    """Read a lesson."""
    return admin.record_response(services().get(Lessons).read(path["id"]), NAMES)


@blp.route("/<id>", methods=["PUT"])
@blp.arguments(RowPath, location="path", error_status_code=admin.INVALID_ID)
@blp.arguments(LessonChange, example={"published": True})
@blp.response(200, LessonSchema, example=EXAMPLE)
@blp.errors(400, 401, 403, 404, 413, 415, 422, 503, examples=ERROR_EXAMPLES)
def update(path: dict[str, UUID], body: dict[str, Any], **_: str) -> Response:
    """Change the given fields of a lesson."""
    return admin.record_response(services().get(Lessons).update(path["id"], body), NAMES)


@blp.route("/<id>", methods=["DELETE"])
@blp.arguments(RowPath, location="path", error_status_code=admin.INVALID_ID)
@blp.response(204)
@blp.errors(400, 401, 403, 404, 503, examples=ERROR_EXAMPLES)
def delete(path: dict[str, UUID], **_: str) -> Response:
    """Delete a lesson and all its completions. To hide a lesson, unpublish it."""
    services().get(Lessons).delete(path["id"])
    return admin.no_content()
