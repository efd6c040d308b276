"""`/dashboard`: a page of static files. Its scripts read all data from the API."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, Response

from resume_service.web.pages import page_response

PAGE = Path(__file__).parents[1] / "dashboard"
ENDPOINTS = frozenset({"dashboard.page", "dashboard.part"})

blp = Blueprint("dashboard", __name__, url_prefix="/dashboard")


@blp.get("")
def page() -> Response:
    return page_response(PAGE, "dashboard.html")


@blp.get("/<name>")
def part(name: str) -> Response:
    return page_response(PAGE, name)
