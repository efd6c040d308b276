"""`/v1/lessons`: the lessons of the course, for who keeps it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import fields, validate

from resume_service.accounts.schemas.fields import Flag, Text, WholeNumber
from resume_service.lessons.routes import admin
from resume_service.lessons.routes.modules import LONGEST_TITLE
from resume_service.web import pagination
from resume_service.web.fields import BodySchema, Uuid4, VideoId

EXAMPLE_NEW = {
    "module_id": "6f1a2c3d-4b5e-4f60-8a7b-9c0d1e2f3a40",
    "title": "Light",
    "position": 2,
    "published": True,
    "free": False,
    "video_id": "demo-light",
    "prerequisites": ["0b5c6d7e-8f90-4a1b-9c2d-3e4f5a6b7c80"],
}
NAMES = ("id", *EXAMPLE_NEW, "created_at", "updated_at")
EXAMPLE = {"id": "0b5c6d7e-8f90-4a1b-9c2d-3e4f5a6b7c81"} | EXAMPLE_NEW | admin.TIMES
MOST_PREREQUISITES = 100
REFUSED = {
    400: admin.NO_UUID,
    404: {"error": "Lesson not found"},
    422: {
        "error": "Validation failed",
        "details": {
            "prerequisites": [
                "A circle: 0b5c6d7e-8f90-4a1b-9c2d-3e4f5a6b7c80 requires 0b5c6d7e-8f90-4a1b-9c2d-3e4f5a6b7c81 requires 0b5c6d7e-8f90-4a1b-9c2d-3e4f5a6b7c80."
            ]
        },
    },
}

blp = admin.KeepersBlueprint(
    "course-lessons", __name__, url_prefix="/v1/lessons", description="Keeping the course."
)


def _prerequisites(**given: Any) -> fields.List[Any]:
    return fields.List(
        Uuid4(),
        validate=validate.Length(max=MOST_PREREQUISITES),
        metadata={"description": "Lessons to complete first. No circles."},
        **given,
    )


class LessonChange(BodySchema):
    module_id = Uuid4()
    title = Text(most=LONGEST_TITLE)
    position = WholeNumber(least=0, metadata={"description": "Within its module."})
    published = Flag()
    free = Flag(metadata={"description": "Open to who is not enrolled."})
    video_id = VideoId(
        allow_none=True,
        metadata={"description": "Who watches this video to its end completes the lesson."},
    )
    prerequisites = _prerequisites()


class NewLesson(LessonChange):
    module_id = Uuid4(required=True)
    title = Text(most=LONGEST_TITLE, required=True)
    position = WholeNumber(least=0, required=True)
    published = Flag(load_default=False)
    free = Flag(load_default=False)
    prerequisites = _prerequisites(load_default=list)


class LessonSchema(BodySchema):
    id = fields.UUID(required=True)
    module_id = fields.UUID(required=True)
    title = fields.String(required=True)
    position = fields.Integer(required=True)
    published = fields.Boolean(required=True)
    free = fields.Boolean(required=True)
    video_id = fields.String(required=True, allow_none=True)
    prerequisites = fields.List(fields.UUID(), required=True)
    created_at = fields.DateTime(required=True)
    updated_at = fields.DateTime(required=True)


class LessonQuery(pagination.PageQuery):
    module_id = Uuid4(metadata={"description": "Only lessons of this module."})


@blp.route("")
@blp.arguments(LessonQuery, location="query")
@blp.response(200, LessonSchema(many=True), example=[EXAMPLE], headers=pagination.HEADERS)
@blp.errors(401, 403, 422, 503, says=REFUSED)
def page(query: dict[str, Any]) -> Response:
    """Every lesson, module by module in its order."""
    part = pagination.slice_of(query)
    wanted = {name: query[name] for name in ("module_id",) if name in query}
    return admin.listed(part, admin.school().lessons.page(part, **wanted), NAMES)


@blp.route("", methods=["POST"])
@blp.arguments(NewLesson, example=EXAMPLE_NEW)
@blp.response(201, LessonSchema, example=EXAMPLE)
@blp.errors(400, 401, 403, 413, 415, 422, 503, says=REFUSED)
def create(body: dict[str, Any]) -> Response:
    """Add a lesson."""
    return admin.answered(admin.school().lessons.create(body), NAMES, 201)


@blp.route("/<id>")
@blp.arguments(admin.RowPath, location="path", error_status_code=admin.INVALID_ID)
@blp.response(200, LessonSchema, example=EXAMPLE)
@blp.errors(400, 401, 403, 404, 503, says=REFUSED)
def read(path: dict[str, UUID], **_: str) -> Response:
    """A lesson."""
    return admin.answered(admin.school().lessons.read(path["id"]), NAMES)


@blp.route("/<id>", methods=["PUT"])
@blp.arguments(admin.RowPath, location="path", error_status_code=admin.INVALID_ID)
@blp.arguments(LessonChange, example={"published": True})
@blp.response(200, LessonSchema, example=EXAMPLE)
@blp.errors(400, 401, 403, 404, 413, 415, 422, 503, says=REFUSED)
def update(path: dict[str, UUID], body: dict[str, Any], **_: str) -> Response:
    """Change what is given of a lesson."""
    return admin.answered(admin.school().lessons.update(path["id"], body), NAMES)


@blp.route("/<id>", methods=["DELETE"])
@blp.arguments(admin.RowPath, location="path", error_status_code=admin.INVALID_ID)
@blp.response(204)
@blp.errors(400, 401, 403, 404, 503, says=REFUSED)
def delete(path: dict[str, UUID], **_: str) -> Response:
    """Delete a lesson, and every completion of it. To only hide it, unpublish it."""
    admin.school().lessons.delete(path["id"])
    return admin.gone()
