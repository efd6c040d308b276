"""`/site`: the style sheets, scripts and icon that all pages share."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, Response, current_app, jsonify

from resume_service.web.pages import page_response

FOLDER = Path(__file__).parents[1] / "site"
ENDPOINTS = frozenset({"site.part", "site.pages"})
PLAYER, COURSE, API = "/watch", "/dashboard", "/docs"
TITLES = {PLAYER: "Watch", COURSE: "Course", API: "API"}
"""The pages in the order of the header. An installation may lack some of them."""

blp = Blueprint("site", __name__, url_prefix="/site")


@blp.get("/<name>")
def part(name: str) -> Response:
    return page_response(FOLDER, name)


@blp.get("/pages.json")
def pages() -> Response:
    """The pages of this installation, and whether users can sign in with a password."""
    existing = paths()
    listed = [{"path": path, "title": title} for path, title in TITLES.items() if path in existing]
    return jsonify(pages=listed, password="/v1/auth/login" in existing)


def paths() -> set[str]:
    """The paths of this installation, with `<name>` in the place of each parameter."""
    return {rule.rule for rule in current_app.url_map.iter_rules()}
