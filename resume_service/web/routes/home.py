"""`/` redirects a browser to a page that a person can read."""

from __future__ import annotations

from flask import redirect
from werkzeug.wrappers import Response

from resume_service.web.blueprint import Blueprint
from resume_service.web.routes import site

blp = Blueprint("home", __name__)


@blp.route("/")
@blp.response(
    302,
    {"type": "string"},
    content_type="text/html",
    headers={"Location": {"schema": {"type": "string", "enum": [site.PLAYER, site.API]}}},
)
@blp.errors(public=True)
def home() -> Response:
    """Redirect to the player page. Without a player page, redirect to this page."""
    return redirect(site.PLAYER if site.PLAYER in site.paths() else site.API)
