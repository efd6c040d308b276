"""`/` redirects a browser to a page that a person can read."""

from __future__ import annotations

from flask import current_app, redirect
from werkzeug.wrappers import Response

from resume_service.web.blueprint import Blueprint
from resume_service.web.routes import docs

PLAYER_PAGE = "/watch"
"""The page that plays the videos of the catalogue. Not every installation has it."""

blp = Blueprint("home", __name__)


@blp.route("/")
@blp.response(
    302,
    {"type": "string"},
    content_type="text/html",
    headers={"Location": {"schema": {"type": "string", "enum": [PLAYER_PAGE, docs.PAGE]}}},
)
@blp.errors(public=True)
def home() -> Response:
    """Redirect to the player page. Without a player page, redirect to this page."""
    has_player = any(rule.rule == PLAYER_PAGE for rule in current_app.url_map.iter_rules())
    return redirect(PLAYER_PAGE if has_player else docs.PAGE)
