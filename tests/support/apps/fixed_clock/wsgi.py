"""The application of `wsgi.py` with a clock that always says noon.

With FLASK_ONLY in the environment it has no fast lane. gunicorn loads it with
`--pythonpath tests/support/apps/fixed_clock`.
"""

import os
from datetime import UTC, datetime

from resume_service import create_app
from resume_service.settings import Settings

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

app = create_app(Settings.from_env(os.environ), clock=lambda: NOON)
if "FLASK_ONLY" in os.environ:
    app.wsgi_app = app.wsgi_app.flask_app
