"""The application as it is on a machine with time, for tests of what it does and not of how soon.

In production nothing waits for Postgres or Redis by a second, and what is late is a 503. On a busy
machine anything may be late. How soon the service answers is tested where that is promised.
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
"""What a `Service` is told to be as patient."""
long_timeout_database = partial(Database, connect_timeout=SECONDS, timeout=SECONDS)


def long_timeout_app(settings: Settings, **how: Any) -> Flask:
    """As `create_app`, which see."""
    with patch.object(wiring, "Database", long_timeout_database):
        return create_app(replace(settings, redis_timeout_ms=SECONDS * 1000), **how)


def app_without_openapi(settings: Settings, **how: Any) -> Flask:
    """As `patient_app`, but for its OpenAPI document, which takes longer to make than all the rest."""
    with patch.object(flask_smorest.Blueprint, "register_views_in_doc"):
        return long_timeout_app(settings, **how)
