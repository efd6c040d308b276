"""The application of `wsgi.py` on a host with a clock that is CLOCK_AHEAD_MS ahead.

gunicorn loads it with `--pythonpath tests/support/apps/skewed_clock`.
"""

import os
import time

from resume_service import clock, create_app
from resume_service.settings import Settings

AHEAD_MS = int(os.environ["CLOCK_AHEAD_MS"])

clock._system_ms = lambda: time.time_ns() // 1_000_000 + AHEAD_MS

app = create_app(Settings.from_env(os.environ))
