"""Code that all admin routes of the course use: the permission check and the responses."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from resume_service.accounts import permissions
from resume_service.clock import iso
from resume_service.lessons.repository import Record
from resume_service.postgres.pages import Page, PageRequest
from resume_service.web import pagination
from resume_service.web.blueprint import Blueprint
from resume_service.web.messages import ApiResponse, flask_response, json_response

INVALID_ID = 400
"""The HTTP status if the id in a path is not a UUID of version 4."""


class AdminBlueprint(Blueprint):
    """Routes that only admins and services may call."""

    def __init__(self, name: str, import_name: str, *, url_prefix: str) -> None:
        super().__init__(name, import_name, url_prefix=url_prefix)
        self.before_request(_require_admin)


def page_response(
    page_request: PageRequest, page: Page[Record], names: tuple[str, ...]
) -> Response:
    return pagination.page_response(page_request, page, lambda row: _json(row, names))


def record_response(row: Record, names: tuple[str, ...], status: int = 200) -> Response:
    return flask_response(json_response(_json(row, names), status=status))


def no_content() -> Response:
    return flask_response(ApiResponse(204))


def _require_admin() -> None:
    if request.method != "OPTIONS":  # a preflight has no token
        permissions.actor().require_admin()


def _json(row: Record, names: tuple[str, ...]) -> dict[str, Any]:
    """The columns `names` of `row`. Times become text in ISO 8601 format."""
    return {name: _json_value(row._mapping[name]) for name in names}  # noqa: SLF001 - public in SQLAlchemy


def _json_value(value: Any) -> Any:
    return iso(value) if hasattr(value, "tzinfo") else value
