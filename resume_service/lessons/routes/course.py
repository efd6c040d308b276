"""`/v1/course`: what there is to learn, for whoever is signed in."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from flask import Response
from marshmallow import Schema, fields

from resume_service.lessons.repository import Kept
from resume_service.lessons.routes import admin
from resume_service.web.messages import Blueprint, json_answer, respond

EXAMPLE = {
    "modules": [
        {
            "id": "6f1a2c3d-4b5e-4f60-8a7b-9c0d1e2f3a40",
            "title": "How film works",
            "lessons": [
                {
                    "id": "0b5c6d7e-8f90-4a1b-9c2d-3e4f5a6b7c80",
                    "title": "Welcome",
                    "video_id": "demo-welcome",
                    "prerequisites": [],
                },
                {
                    "id": "0b5c6d7e-8f90-4a1b-9c2d-3e4f5a6b7c81",
                    "title": "Light",
                    "video_id": "demo-light",
                    "prerequisites": ["0b5c6d7e-8f90-4a1b-9c2d-3e4f5a6b7c80"],
                },
            ],
        }
    ]
}

blp = Blueprint("course", __name__, url_prefix="/v1/course", description="What there is to learn.")


class OfferedLessonSchema(Schema):
    id = fields.UUID(required=True)
    title = fields.String(required=True)
    video_id = fields.String(required=True, allow_none=True)
    prerequisites = fields.List(fields.UUID(), required=True)


class OfferedModuleSchema(Schema):
    id = fields.UUID(required=True)
    title = fields.String(required=True)
    lessons = fields.List(fields.Nested(OfferedLessonSchema), required=True)


class CourseSchema(Schema):
    modules = fields.List(fields.Nested(OfferedModuleSchema), required=True)


@blp.route("")
@blp.response(200, CourseSchema, example=EXAMPLE)
@blp.errors(401, 503)
def read() -> Response:
    """The modules that have published lessons, and those lessons, in the course's order."""
    offered = admin.school().lessons.offered()
    by_module = groupby(offered, key=lambda lesson: (lesson.module_id, lesson.module_title))
    return respond(
        json_answer(
            {
                "modules": [
                    {"id": module_id, "title": title, "lessons": [_json(each) for each in lessons]}
                    for (module_id, title), lessons in by_module
                ]
            }
        )
    )


def _json(lesson: Kept) -> dict[str, Any]:
    return {
        "id": lesson.id,
        "title": lesson.title,
        "video_id": lesson.video_id,
        "prerequisites": lesson.prerequisites,
    }
