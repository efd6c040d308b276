"""`/site`: the style sheets, scripts and icon that all pages share.

A page is a folder of static files. Its scripts read all data from the API.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from flask import Blueprint, Response, current_app, jsonify, send_from_directory

FOLDER = Path(__file__).parents[1] / "site"
FILES = tuple(sorted(path.name for path in FOLDER.iterdir()))
ENDPOINTS = frozenset({"site.part", "site.pages"})
SECURITY_HEADERS = MappingProxyType(
    {
        "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self';"
        " connect-src 'self'; img-src 'self' data:; media-src 'self' blob:; base-uri 'none';"
        " form-action 'none'; frame-ancestors 'none'",
        "Referrer-Policy": "no-referrer",
    }
)
"""A page has the user's tokens. So browsers must run only scripts of this service.

Browsers must not show the page in a frame of another site.
"""
TITLES = {"/watch": "Watch", "/dashboard": "Course", "/docs": "API"}
"""The pages in the order of the header. An installation may lack some of them."""

blp = Blueprint("site", __name__, url_prefix="/site")


@blp.get(f"/<any({', '.join(repr(name) for name in FILES)}):name>")
def part(name: str) -> Response:
    return page_response(FOLDER, name)


@blp.get("/pages.json")
def pages() -> Response:
    """The pages of this installation, and whether users can sign in with a password."""
    paths = {rule.rule for rule in current_app.url_map.iter_rules()}
    listed = [{"path": path, "title": title} for path, title in TITLES.items() if path in paths]
    return jsonify(pages=listed, password="/v1/auth/login" in paths)


def page_response(
    folder: Path, name: str, headers: Mapping[str, str] = SECURITY_HEADERS
) -> Response:
    """Return the file `name` of `folder` as a part of a page. Raises NotFound of werkzeug."""
    response = send_from_directory(folder, name, etag=True)
    response.headers.update(headers)
    # Browsers ask each time whether the ETag changed.
    response.headers["Cache-Control"] = "no-cache"
    return response
