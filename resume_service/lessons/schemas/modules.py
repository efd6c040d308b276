"""Request and response schemas of `/v1/modules`."""

from __future__ import annotations

from marshmallow import fields

from resume_service.lessons.schemas.fields import MAX_TITLE_LENGTH, NO_UUID, TIMES
from resume_service.web.fields import BodySchema, Flag, Text
from resume_service.web.numbers import WholeNumber

NAMES = ("id", "title", "position", "free", "created_at", "updated_at")
EXAMPLE_NEW = {"title": "How film works", "position": 1, "free": True}
EXAMPLE = {"id": "6f1a2c3d-4b5e-4f60-8a7b-9c0d1e2f3a40"} | EXAMPLE_NEW | TIMES
ERROR_EXAMPLES = {
    400: NO_UUID,
    404: {"error": "Module not found"},
    409: {"error": "The module holds lessons"},
    422: {"error": "Validation failed", "details": {"title": ["Missing data for required field."]}},
}


class ModuleChange(BodySchema):
    title = Text(most=MAX_TITLE_LENGTH)
    position = WholeNumber(least=0, metadata={"description": "Order within the course."})
    free = Flag(metadata={"description": "True if users who are not enrolled have access, too."})


class NewModule(ModuleChange):
    title = Text(most=MAX_TITLE_LENGTH, required=True)
    position = WholeNumber(least=0, required=True)
    free = Flag(load_default=False)


class ModuleSchema(BodySchema):
    id = fields.UUID(required=True)
    title = fields.String(required=True)
    position = fields.Integer(required=True)
    free = fields.Boolean(required=True)
    created_at = fields.DateTime(required=True)
    updated_at = fields.DateTime(required=True)
