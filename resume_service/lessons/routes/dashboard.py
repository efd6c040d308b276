"""`/dashboard`: a page of static files. Its scripts read all data from the API."""

from __future__ import annotations

from pathlib import Path

from resume_service.web.pages import page_blueprint

PAGE = Path(__file__).parents[1] / "dashboard"
ENDPOINTS = frozenset({"dashboard.page", "dashboard.part"})

blp = page_blueprint("dashboard", PAGE)
