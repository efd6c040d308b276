"""The application of `wsgi.py` with short times of live streams.

gunicorn loads it with `--pythonpath tests/support/apps/short_live_times`.
"""

import os

from resume_service import create_app
from resume_service.live import keeper, leases, streams
from resume_service.settings import Settings

streams.HEARTBEAT_SECONDS = 0.3
leases.LEASE_SECONDS = 2
keeper.RENEW_SECONDS = 0.5
app = create_app(Settings.from_env(os.environ))
