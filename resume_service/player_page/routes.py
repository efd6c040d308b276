"""`/watch`: static files of the page, and the modules of the player package that it uses.

The page loads the package's own source files. So there is one source, and no build step.
"""

from __future__ import annotations

from pathlib import Path

from flask import Response

from resume_service.errors import NotFound
from resume_service.web.pages import page_blueprint, page_response

PAGE = Path(__file__).parent / "page"
PACKAGE = Path(__file__).parents[2] / "clients" / "js" / "src"
"""The modules of the player package. An installation without this folder has no `/watch`."""
ENDPOINTS = frozenset({"watch.page", "watch.part", "watch.package"})

blp = page_blueprint("watch", PAGE)


@blp.get("/resume-points/<name>")
def package(name: str) -> Response:
    if not name.endswith(".js"):
        raise NotFound
    return page_response(PACKAGE, name)
