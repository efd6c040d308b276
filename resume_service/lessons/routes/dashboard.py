"""`/dashboard`: static files. Their JavaScript reads all data from the API."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, Response, send_from_directory

PAGE = Path(__file__).parents[1] / "dashboard"
FILES = ("dashboard.js", "dashboard.css")
ENDPOINTS = frozenset({"dashboard.page", "dashboard.part"})
POLICY = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self';"
    " connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}
"""The page has a token. So only its own scripts may run, and no other site may frame it."""

blp = Blueprint("dashboard", __name__, url_prefix="/dashboard")


@blp.get("")
def page() -> Response:
    return _file("dashboard.html")


@blp.get(f"/<any({', '.join(repr(name) for name in FILES)}):name>")
def part(name: str) -> Response:
    return _file(name)


def _file(name: str) -> Response:
    response = send_from_directory(PAGE, name, etag=True)
    response.headers.update(POLICY)
    response.headers["Cache-Control"] = "no-cache"  # cached, but checked by ETag each time
    return response
