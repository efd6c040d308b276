"""The application of `wsgi.py` with short timeouts for origins and long ones for its stores.

gunicorn loads it with `--pythonpath tests/support/apps/short_origin_timeouts`.
"""

import os

from resume_service.media.files import LocalFiles
from resume_service.media.origin_connection import Timeouts
from resume_service.media.origins import Origins
from resume_service.media.source import MediaSource
from resume_service.settings import Settings
from tests.support.long_timeouts import long_timeout_app

settings = Settings.from_env(os.environ)
app = long_timeout_app(settings)
media = app.extensions["resume_service"].get(MediaSource)
media._files = LocalFiles(settings.media_root)
media._origins = Origins(settings.stream_allowed_hosts, Timeouts(connect=1, headers=1, silence=0.5))
