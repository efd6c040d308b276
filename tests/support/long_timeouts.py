"""The application with long timeouts, for tests that check responses but not their time.

In production, a call to Postgres or Redis that takes too long gives a 503 within a second. On a
busy machine any call may be slow. Other tests check the time limits.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any
from unittest.mock import patch

import flask_smorest
from flask import Flask

from dev.service import ROOT
from resume_service import create_app, wiring
from resume_service.postgres.database import Database
from resume_service.settings import Settings

SECONDS = 20
LONG_TIMEOUT_ENV = {
    "GUNICORN_CMD_ARGS": f"--pythonpath {ROOT / 'tests/support/apps/long_timeouts'},{ROOT}"
}
"""The environment that gives a `Service` the same timeouts."""
long_timeout_database = partial(Database, connect_timeout=SECONDS, timeout=SECONDS)


def long_timeout_app(settings: Settings, **options: Any) -> Flask:
    """Create the application with the arguments of `create_app`."""
    with patch.object(wiring, "Database", long_timeout_database):
        return create_app(replace(settings, redis_timeout_ms=SECONDS * 1000), **options)


def app_without_openapi(settings: Settings, **options: Any) -> Flask:
    """Create `long_timeout_app` without its OpenAPI document, which takes most of the time."""
    with patch.object(flask_smorest.Blueprint, "register_views_in_doc"):
        return long_timeout_app(settings, **options)
