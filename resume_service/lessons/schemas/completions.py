"""Schemas and examples of `/api/progress/lessons`, `/modules` and `/summary`."""

from __future__ import annotations

from marshmallow import Schema, fields

from resume_service.web.fields import BodySchema, Moment, Uuid4

EXAMPLE_LESSON = "0b5c6d7e-8f90-4a1b-9c2d-3e4f5a6b7c80"
EXAMPLE_MODULE = "6f1a2c3d-4b5e-4f60-8a7b-9c0d1e2f3a40"
OTHER_LESSON = "0b5c6d7e-8f90-4a1b-9c2d-3e4f5a6b7c81"
EXAMPLE_TIME = "2026-11-20T10:00:00.000Z"
EXAMPLE_MARKED = {
    "lessonId": EXAMPLE_LESSON,
    "completed": True,
    "completedAt": EXAMPLE_TIME,
    "module": {"moduleId": EXAMPLE_MODULE, "percent": 50, "completedCount": 1, "totalCount": 2},
    "overall": {"percent": 33.33, "completedCount": 1, "totalCount": 3},
}
EXAMPLE_UNMARKED = EXAMPLE_MARKED | {
    "completed": False,
    "completedAt": None,
    "module": {"moduleId": EXAMPLE_MODULE, "percent": 0, "completedCount": 0, "totalCount": 1},
    "overall": {"percent": 0, "completedCount": 0, "totalCount": 2},
}
EXAMPLE_SUMMARY = {"percent": 33.33, "completedCount": 1, "totalCount": 3}
EXAMPLE_CHECKLIST = {
    "moduleId": EXAMPLE_MODULE,
    "percent": 50,
    "completedCount": 1,
    "totalCount": 2,
    "lessons": [
        {"lessonId": EXAMPLE_LESSON, "completed": True, "completedAt": EXAMPLE_TIME},
        {"lessonId": OTHER_LESSON, "completed": False, "completedAt": None},
    ],
}
EXAMPLE_COMPLETED = {"lessons": [{"lessonId": EXAMPLE_LESSON, "completedAt": EXAMPLE_TIME}]}
NO_UUID = ["Must be a UUID of version 4."]
ERROR_EXAMPLES = {
    400: {"error": "Validation failed", "details": {"lessonId": NO_UUID}},
    403: {"error": "Not enrolled"},
    404: {"error": "Lesson not found"},
    409: {
        "error": "Complete this lesson's prerequisites first",
        "details": {"prerequisites": [EXAMPLE_LESSON]},
    },
}
MODULE_ERROR_EXAMPLES = {
    400: {"error": "Validation failed", "details": {"moduleId": NO_UUID}},
    404: {"error": "Module not found"},
}
RATE_LIMIT_HEADERS = {
    "RateLimit": {"schema": {"type": "string"}, "example": '"lesson-writes";r=9;t=60'},
    "RateLimit-Policy": {"schema": {"type": "string"}, "example": '"lesson-writes";q=10;w=60'},
}


class LessonPath(Schema):
    lessonId = Uuid4(required=True)


class ModulePath(Schema):
    moduleId = Uuid4(required=True)


class MarkSchema(BodySchema):
    completedAt = Moment(
        metadata={
            "description": "Time when the user completed the lesson. Not in the future. Default: now."
        }
    )


class TallySchema(Schema):
    percent = fields.Float(required=True, metadata={"minimum": 0, "maximum": 100})
    completedCount = fields.Integer(required=True)
    totalCount = fields.Integer(
        required=True,
        metadata={
            "description": "Number of lessons that the user has completed or can complete now."
        },
    )


class ModuleTallySchema(TallySchema):
    moduleId = fields.UUID(required=True)


class MarkedSchema(Schema):
    """A lesson, and the user's progress in its module and in the course."""

    lessonId = fields.UUID(required=True)
    completed = fields.Boolean(required=True)
    completedAt = fields.DateTime(required=True, allow_none=True)
    module = fields.Nested(ModuleTallySchema, required=True)
    overall = fields.Nested(TallySchema, required=True)


class ListedLessonSchema(Schema):
    lessonId = fields.UUID(required=True)
    completed = fields.Boolean(required=True)
    completedAt = fields.DateTime(required=True, allow_none=True)


class ChecklistSchema(ModuleTallySchema):
    """The lessons of a module in their order. The total does not include locked lessons."""

    lessons = fields.List(fields.Nested(ListedLessonSchema), required=True)


class CompletedLessonSchema(Schema):
    lessonId = fields.UUID(required=True)
    completedAt = fields.DateTime(required=True)


class CompletedSchema(Schema):
    lessons = fields.List(fields.Nested(CompletedLessonSchema), required=True)
