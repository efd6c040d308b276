"""The application for gunicorn as `wsgi.py` makes it, at noon for ever; by Flask alone if asked.

gunicorn finds it in place of the real one by `--pythonpath tests/support/apps/fixed_clock`.
"""

import os
from datetime import UTC, datetime

from resume_service import create_app
from resume_service.settings import Settings

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

app = create_app(Settings.from_env(os.environ), clock=lambda: NOON)
if "FLASK_ONLY" in os.environ:
    app.wsgi_app = app.wsgi_app.flask_app
