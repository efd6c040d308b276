"""`/dashboard`: a page of static files. Its JavaScript reads all data from the API."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, Response, send_from_directory

PAGE = Path(__file__).parents[1] / "dashboard"
FILES = ("dashboard.js", "dashboard.css")
ENDPOINTS = frozenset({"dashboard.page", "dashboard.part"})
SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self';"
    " connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}
"""The page has the user's token. So browsers must run only scripts of this service.

Browsers must not show the page in a frame of another site.
"""

blp = Blueprint("dashboard", __name__, url_prefix="/dashboard")


@blp.get("")
def page() -> Response:
    return _file("dashboard.html")


@blp.get(f"/<any({', '.join(repr(name) for name in FILES)}):name>")
def part(name: str) -> Response:
    return _file(name)


def _file(name: str) -> Response:
    response = send_from_directory(PAGE, name, etag=True)
    response.headers.update(SECURITY_HEADERS)
    response.headers["Cache-Control"] = (
        "no-cache"  # browsers ask each time whether the ETag changed
    )
    return response
