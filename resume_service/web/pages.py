"""Pages for people. A page is a folder of static files, and its scripts read all data from the API."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from flask import Blueprint, Response, send_from_directory

from resume_service.errors import NotFound

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


def page_response(folder: Path, name: str) -> Response:
    """Return the file `name` of `folder` as a part of a page. Raises NotFound of werkzeug."""
    response = send_from_directory(folder, name, etag=True)
    response.headers.update(SECURITY_HEADERS)
    # Browsers ask each time whether the ETag changed.
    response.headers["Cache-Control"] = "no-cache"
    return response


def page_blueprint(
    page_name: str, folder: Path, elsewhere: Mapping[str, Path] = MappingProxyType({})
) -> Blueprint:
    """Return the routes of a page: `/watch` is `watch.html` in `folder`.

    Below it are the scripts and style sheets of `folder`. `elsewhere` has the folders of other
    files, by their names. The endpoints are `page` and `part`.
    """
    blp = Blueprint(page_name, __name__, url_prefix=f"/{page_name}")

    @blp.get("", strict_slashes=False)
    def page() -> Response:
        return page_response(folder, f"{page_name}.html")

    @blp.get("/<name>")
    def part(name: str) -> Response:
        if not name.endswith((".css", ".js")):
            raise NotFound
        return page_response(elsewhere.get(name, folder), name)

    return blp
