"""Request and response schemas of `/v1/lessons`."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from resume_service.lessons.schemas.fields import MAX_TITLE_LENGTH, NO_UUID, TIMES
from resume_service.web import pagination
from resume_service.web.fields import BodySchema, Flag, Text, Uuid4, VideoId
from resume_service.web.numbers import WholeNumber

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
EXAMPLE = {"id": "0b5c6d7e-8f90-4a1b-9c2d-3e4f5a6b7c81"} | EXAMPLE_NEW | TIMES
MAX_PREREQUISITES = 100
"""Maximum number of prerequisites of a lesson."""
ERROR_EXAMPLES = {
    400: NO_UUID,
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


def _prerequisites(**options: Any) -> fields.List[Any]:
    return fields.List(
        Uuid4(),
        validate=validate.Length(max=MAX_PREREQUISITES),
        metadata={
            "description": "Ids of the lessons that a user must complete first."
            " The lessons must not require each other in a circle."
        },
        **options,
    )


class LessonChange(BodySchema):
    module_id = Uuid4()
    title = Text(most=MAX_TITLE_LENGTH)
    position = WholeNumber(least=0, metadata={"description": "Order within the module."})
    published = Flag()
    free = Flag(metadata={"description": "True if users who are not enrolled have access, too."})
    video_id = VideoId(
        allow_none=True,
        metadata={
            "description": "The video of the lesson. A user who watches it to its end completes the lesson."
        },
    )
    prerequisites = _prerequisites()


class NewLesson(LessonChange):
    module_id = Uuid4(required=True)
    title = Text(most=MAX_TITLE_LENGTH, required=True)
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
