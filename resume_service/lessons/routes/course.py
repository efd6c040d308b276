"""`/v1/course`: the published lessons, for every signed-in user."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from flask import Response

from resume_service.lessons.course import Lessons
from resume_service.lessons.repository import Record
from resume_service.lessons.schemas.course import EXAMPLE, CourseSchema
from resume_service.web.blueprint import Blueprint
from resume_service.web.messages import flask_response, json_response
from resume_service.web.services import services

blp = Blueprint("course", __name__, url_prefix="/v1/course")


@blp.route("")
@blp.response(200, CourseSchema, example=EXAMPLE)
@blp.errors(401, 503)
def read() -> Response:
    """The published lessons with their modules, in the course's order."""
    offered = services().get(Lessons).offered()
    by_module = groupby(offered, key=lambda lesson: (lesson.module_id, lesson.module_title))
    return flask_response(
        json_response(
            {
                "modules": [
                    {"id": module_id, "title": title, "lessons": [_json(each) for each in lessons]}
                    for (module_id, title), lessons in by_module
                ]
            }
        )
    )


def _json(lesson: Record) -> dict[str, Any]:
    return {
        "id": lesson.id,
        "title": lesson.title,
        "video_id": lesson.video_id,
        "prerequisites": lesson.prerequisites,
    }
