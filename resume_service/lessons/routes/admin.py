"""Who may keep the course, and what its routes share."""

from __future__ import annotations

from typing import Any

from flask import Response, request
from marshmallow import Schema

from resume_service.accounts import permissions
from resume_service.lessons.repository import Kept
from resume_service.lessons.school import School
from resume_service.postgres.pages import Page, Slice
from resume_service.resume.model import iso
from resume_service.web import pagination
from resume_service.web.fields import Uuid4
from resume_service.web.messages import Answer, Blueprint, json_answer, respond, services
from resume_service.web.services import there

INVALID_ID = 400
"""The status of an id in a path that is no UUID of version 4."""
NO_UUID = {"error": "Validation failed", "details": {"id": ["Must be a UUID of version 4."]}}
EXAMPLE_TIME = "2026-11-20T10:00:00.000Z"
TIMES = {"created_at": EXAMPLE_TIME, "updated_at": EXAMPLE_TIME}


class KeepersBlueprint(Blueprint):
    """Routes for admins and services alone."""

    def __init__(self, name: str, import_name: str, *, url_prefix: str, description: str) -> None:
        super().__init__(name, import_name, url_prefix=url_prefix, description=description)
        self.before_request(_require_keeper)


class RowPath(Schema):
    id = Uuid4(required=True)


def school() -> School:
    return there(services().school)


def listed(part: Slice, page: Page[Kept], names: tuple[str, ...]) -> Response:
    return pagination.listed(part, page, lambda row: _json(row, names))


def answered(row: Kept, names: tuple[str, ...], status: int = 200) -> Response:
    return respond(json_answer(_json(row, names))._replace(status=status))


def gone() -> Response:
    return respond(Answer(204))


def _require_keeper() -> None:
    if request.method != "OPTIONS":  # a preflight has no token
        permissions.actor().require_admin()


def _json(row: Kept, names: tuple[str, ...]) -> dict[str, Any]:
    """Those columns of `row`, times as this service writes them."""
    return {name: _word(row._mapping[name]) for name in names}  # noqa: SLF001 - its public name


def _word(value: Any) -> Any:
    return iso(value) if hasattr(value, "tzinfo") else value
