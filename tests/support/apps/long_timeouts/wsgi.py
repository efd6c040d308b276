"""The application of `wsgi.py` with long timeouts for Redis and Postgres.

gunicorn loads it with `--pythonpath tests/support/apps/long_timeouts`.
"""

import os

from resume_service.settings import Settings
from tests.support.long_timeouts import long_timeout_app

app = long_timeout_app(Settings.from_env(os.environ))
