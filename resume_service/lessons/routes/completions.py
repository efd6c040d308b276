"""`/api/progress/lessons`, `/modules`, `/summary`: the user's completed lessons and progress."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Response

from resume_service.clock import iso
from resume_service.errors import ValidationFailed
from resume_service.lessons.completions import Completions
from resume_service.lessons.model import Completion, MarkResult, Progress
from resume_service.lessons.schemas.completions import (
    ERROR_EXAMPLES,
    EXAMPLE_CHECKLIST,
    EXAMPLE_COMPLETED,
    EXAMPLE_MARKED,
    EXAMPLE_SUMMARY,
    EXAMPLE_TIME,
    EXAMPLE_UNMARKED,
    MODULE_ERROR_EXAMPLES,
    RATE_LIMIT_HEADERS,
    ChecklistSchema,
    CompletedSchema,
    LessonPath,
    MarkedSchema,
    MarkSchema,
    ModulePath,
    TallySchema,
)
from resume_service.rate_limits.limiter import Limit
from resume_service.settings import Settings
from resume_service.web.blueprint import Blueprint
from resume_service.web.bodies import OptionalBodyParser
from resume_service.web.context import arrived_at, current_user, enforce
from resume_service.web.messages import ApiResponse, flask_response, json_number, json_response
from resume_service.web.services import services

INVALID = 400
"""The HTTP status of this API for a request that fails validation."""


class LessonBlueprint(Blueprint):
    """Routes for which the request body is optional."""

    ARGUMENTS_PARSER = OptionalBodyParser()


blp = LessonBlueprint(
    "lessons",
    __name__,
    url_prefix="/api/progress",
)


@blp.route("/lessons/<lessonId>", methods=["POST"])
@blp.arguments(LessonPath, location="path", error_status_code=INVALID)
@blp.arguments(
    MarkSchema, required=False, example={"completedAt": EXAMPLE_TIME}, error_status_code=INVALID
)
@blp.response(200, MarkedSchema, example=EXAMPLE_MARKED, headers=RATE_LIMIT_HEADERS)
@blp.errors(400, 401, 403, 404, 409, 413, 415, 429, 503, examples=ERROR_EXAMPLES)
def mark(path: dict[str, UUID], body: dict[str, datetime], **_: str) -> Response:
    """Mark a lesson as completed. If it is already completed, its time does not change."""
    user_id, lesson_id, now = current_user().user_id, path["lessonId"], arrived_at()
    completed_at = body.get("completedAt", now)
    if completed_at > now:
        raise ValidationFailed({"completedAt": ["Must not be in the future."]}, INVALID)
    services().get(Completions).require_markable(user_id, lesson_id, now)
    enforce(_write_limit(), user_id)
    return flask_response(
        _mark_response(services().get(Completions).mark(user_id, lesson_id, completed_at, now))
    )


@blp.route("/lessons/<lessonId>", methods=["DELETE"])
@blp.arguments(LessonPath, location="path", error_status_code=INVALID)
@blp.response(200, MarkedSchema, example=EXAMPLE_UNMARKED, headers=RATE_LIMIT_HEADERS)
@blp.errors(400, 401, 403, 404, 429, 503, examples=ERROR_EXAMPLES)
def unmark(path: dict[str, UUID], **_: str) -> Response:
    """Remove the mark of a lesson, if any. Lessons that require this lesson stay completed."""
    user_id, lesson_id, now = current_user().user_id, path["lessonId"], arrived_at()
    services().get(Completions).require_unmarkable(user_id, lesson_id, now)
    enforce(_write_limit(), user_id)
    result = services().get(Completions).unmark(user_id, lesson_id, now)
    return flask_response(_mark_response(result))


@blp.route("/lessons")
@blp.response(200, CompletedSchema, example=EXAMPLE_COMPLETED)
@blp.errors(401, 503)
def completed() -> Response:
    """The lessons that the user has completed, newest first."""
    lessons = services().get(Completions).completed(current_user().user_id)
    return flask_response(json_response({"lessons": [_lesson(each) for each in lessons]}))


@blp.route("/modules/<moduleId>")
@blp.arguments(ModulePath, location="path", error_status_code=INVALID)
@blp.response(200, ChecklistSchema, example=EXAMPLE_CHECKLIST)
@blp.errors(400, 401, 404, 503, examples=MODULE_ERROR_EXAMPLES)
def module(path: dict[str, UUID], **_: str) -> Response:
    """The lessons of a module, and the user's progress in the module."""
    module_id = path["moduleId"]
    result = services().get(Completions).module(current_user().user_id, module_id, arrived_at())
    lessons = [
        {"lessonId": each.lesson_id, "completed": each.completed_at is not None} | _lesson(each)
        for each in result.lessons
    ]
    body = _module_progress(module_id, result.progress) | {"lessons": lessons}
    return flask_response(json_response(body))


@blp.route("/summary")
@blp.response(200, TallySchema, example=EXAMPLE_SUMMARY)
@blp.errors(401, 503)
def summary() -> Response:
    """The user's progress in the whole course."""
    progress = services().get(Completions).summary(current_user().user_id, arrived_at())
    return flask_response(json_response(_progress(progress)))


def _write_limit() -> Limit:
    return Limit("lesson-writes", services().get(Settings).lesson_writes_per_minute)


def _mark_response(result: MarkResult) -> ApiResponse:
    lesson = result.completion
    return json_response(
        {
            "lessonId": lesson.lesson_id,
            "completed": lesson.completed_at is not None,
            "completedAt": lesson.completed_at and iso(lesson.completed_at),
            "module": _module_progress(result.module_id, result.module),
            "overall": _progress(result.overall),
        }
    )


def _lesson(lesson: Completion) -> dict[str, Any]:
    return {
        "lessonId": lesson.lesson_id,
        "completedAt": lesson.completed_at and iso(lesson.completed_at),
    }


def _module_progress(module_id: UUID, progress: Progress) -> dict[str, Any]:
    return {"moduleId": module_id} | _progress(progress)


def _progress(progress: Progress) -> dict[str, Any]:
    return {
        "percent": json_number(progress.percent),
        "completedCount": progress.completed,
        "totalCount": progress.total,
    }
