"""Pages for people. A page is a folder of static files, and its scripts read all data from the API."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from flask import Response, send_from_directory

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


def page_response(
    folder: Path, name: str, headers: Mapping[str, str] = SECURITY_HEADERS
) -> Response:
    """Return the file `name` of `folder` as a part of a page. Raises NotFound of werkzeug."""
    response = send_from_directory(folder, name, etag=True)
    response.headers.update(headers)
    # Browsers ask each time whether the ETag changed.
    response.headers["Cache-Control"] = "no-cache"
    return response
