"""The application for gunicorn as `wsgi.py` makes it, but with much patience for its stores.

gunicorn finds it in place of the real one by `--pythonpath tests/support/apps/long_timeouts`.
"""

import os

from resume_service.settings import Settings
from tests.support.long_timeouts import long_timeout_app

app = long_timeout_app(Settings.from_env(os.environ))
