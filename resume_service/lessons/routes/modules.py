"""`/v1/modules`: the modules of the course, for who keeps it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import fields

from resume_service.accounts.schemas.fields import Flag, Text, WholeNumber
from resume_service.lessons.routes import admin
from resume_service.web import pagination
from resume_service.web.fields import BodySchema

LONGEST_TITLE = 256
NAMES = ("id", "title", "position", "free", "created_at", "updated_at")
EXAMPLE_NEW = {"title": "How film works", "position": 1, "free": True}
EXAMPLE = {"id": "6f1a2c3d-4b5e-4f60-8a7b-9c0d1e2f3a40"} | EXAMPLE_NEW | admin.TIMES
REFUSED = {
    400: admin.NO_UUID,
    404: {"error": "Module not found"},
    409: {"error": "The module holds lessons"},
    422: {"error": "Validation failed", "details": {"title": ["Missing data for required field."]}},
}

blp = admin.KeepersBlueprint(
    "modules", __name__, url_prefix="/v1/modules", description="Keeping the course."
)


class ModuleChange(BodySchema):
    title = Text(most=LONGEST_TITLE)
    position = WholeNumber(least=0, metadata={"description": "Modules come in this order."})
    free = Flag(metadata={"description": "Open to who is not enrolled."})


class NewModule(ModuleChange):
    title = Text(most=LONGEST_TITLE, required=True)
    position = WholeNumber(least=0, required=True)
    free = Flag(load_default=False)


class ModuleSchema(BodySchema):
    id = fields.UUID(required=True)
    title = fields.String(required=True)
    position = fields.Integer(required=True)
    free = fields.Boolean(required=True)
    created_at = fields.DateTime(required=True)
    updated_at = fields.DateTime(required=True)


@blp.route("")
@blp.arguments(pagination.PageQuery, location="query")
@blp.response(200, ModuleSchema(many=True), example=[EXAMPLE], headers=pagination.HEADERS)
@blp.errors(401, 403, 422, 503, says=REFUSED)
def page(query: dict[str, int]) -> Response:
    """Every module, in the course's order."""
    part = pagination.slice_of(query)
    return admin.listed(part, admin.school().modules.page(part), NAMES)


@blp.route("", methods=["POST"])
@blp.arguments(NewModule, example=EXAMPLE_NEW)
@blp.response(201, ModuleSchema, example=EXAMPLE)
@blp.errors(400, 401, 403, 413, 415, 422, 503, says=REFUSED)
def create(body: dict[str, Any]) -> Response:
    """Add a module."""
    return admin.answered(admin.school().modules.create(body), NAMES, 201)


@blp.route("/<id>")
@blp.arguments(admin.RowPath, location="path", error_status_code=admin.INVALID_ID)
@blp.response(200, ModuleSchema, example=EXAMPLE)
@blp.errors(400, 401, 403, 404, 503, says=REFUSED)
def read(path: dict[str, UUID], **_: str) -> Response:
    """A module."""
    return admin.answered(admin.school().modules.read(path["id"]), NAMES)


@blp.route("/<id>", methods=["PUT"])
@blp.arguments(admin.RowPath, location="path", error_status_code=admin.INVALID_ID)
@blp.arguments(ModuleChange, example={"title": "How film works"})
@blp.response(200, ModuleSchema, example=EXAMPLE)
@blp.errors(400, 401, 403, 404, 413, 415, 422, 503, says=REFUSED)
def update(path: dict[str, UUID], body: dict[str, Any], **_: str) -> Response:
    """Change what is given of a module."""
    return admin.answered(admin.school().modules.update(path["id"], body), NAMES)


@blp.route("/<id>", methods=["DELETE"])
@blp.arguments(admin.RowPath, location="path", error_status_code=admin.INVALID_ID)
@blp.response(204)
@blp.errors(400, 401, 403, 404, 409, 503, says=REFUSED)
def delete(path: dict[str, UUID], **_: str) -> Response:
    """Delete a module that holds no lessons."""
    admin.school().modules.delete(path["id"])
    return admin.gone()
