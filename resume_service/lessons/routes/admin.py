"""Who may keep the course, and what its routes share."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from resume_service.accounts import permissions
from resume_service.clock import iso
from resume_service.lessons.repository import Kept
from resume_service.postgres.pages import Page, Slice
from resume_service.web import pagination
from resume_service.web.blueprint import Blueprint
from resume_service.web.messages import Answer, json_answer, respond

INVALID_ID = 400
"""The status of an id in a path that is no UUID of version 4."""


class KeepersBlueprint(Blueprint):
    """Routes for admins and services alone."""

    def __init__(self, name: str, import_name: str, *, url_prefix: str, description: str) -> None:
        super().__init__(name, import_name, url_prefix=url_prefix, description=description)
        self.before_request(_require_keeper)


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
