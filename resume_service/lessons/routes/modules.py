"""`/v1/modules`: admins read and change the modules of the course."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response

from resume_service.lessons.course import Modules
from resume_service.lessons.routes import admin
from resume_service.lessons.schemas.fields import RowPath
from resume_service.lessons.schemas.modules import (
    ERROR_EXAMPLES,
    EXAMPLE,
    EXAMPLE_NEW,
    NAMES,
    ModuleChange,
    ModuleSchema,
    NewModule,
)
from resume_service.web import pagination
from resume_service.web.services import services

blp = admin.AdminBlueprint("modules", __name__, url_prefix="/v1/modules")


@blp.route("")
@blp.arguments(pagination.PageQuery, location="query")
@blp.response(200, ModuleSchema(many=True), example=[EXAMPLE], headers=pagination.HEADERS)
@blp.errors(401, 403, 422, 503, examples=ERROR_EXAMPLES)
def page(query: dict[str, int]) -> Response:
    """All modules, in the course's order."""
    page_request = pagination.page_request(query)
    result = services().get(Modules).page(page_request)
    return admin.page_response(page_request, result, NAMES)


@blp.route("", methods=["POST"])
@blp.arguments(NewModule, example=EXAMPLE_NEW)
@blp.response(201, ModuleSchema, example=EXAMPLE)
@blp.errors(400, 401, 403, 413, 415, 422, 503, examples=ERROR_EXAMPLES)
def create(body: dict[str, Any]) -> Response:
    """Add a module."""
    return admin.record_response(services().get(Modules).create(body), NAMES, 201)


@blp.route("/<id>")
@blp.arguments(RowPath, location="path", error_status_code=admin.INVALID_ID)
@blp.response(200, ModuleSchema, example=EXAMPLE)
@blp.errors(400, 401, 403, 404, 503, examples=ERROR_EXAMPLES)
def read(path: dict[str, UUID], **_: str) -> Response:
    """Read a module."""
    return admin.record_response(services().get(Modules).read(path["id"]), NAMES)


@blp.route("/<id>", methods=["PUT"])
@blp.arguments(RowPath, location="path", error_status_code=admin.INVALID_ID)
@blp.arguments(ModuleChange, example={"title": "How film works"})
@blp.response(200, ModuleSchema, example=EXAMPLE)
@blp.errors(400, 401, 403, 404, 413, 415, 422, 503, examples=ERROR_EXAMPLES)
def update(path: dict[str, UUID], body: dict[str, Any], **_: str) -> Response:
    """Change the given fields of a module."""
    return admin.record_response(services().get(Modules).update(path["id"], body), NAMES)


@blp.route("/<id>", methods=["DELETE"])
@blp.arguments(RowPath, location="path", error_status_code=admin.INVALID_ID)
@blp.response(204)
@blp.errors(400, 401, 403, 404, 409, 503, examples=ERROR_EXAMPLES)
def delete(path: dict[str, UUID], **_: str) -> Response:
    """Delete a module that has no lessons."""
    services().get(Modules).delete(path["id"])
    return admin.no_content()
