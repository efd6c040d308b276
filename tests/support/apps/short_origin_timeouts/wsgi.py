"""The application for gunicorn as `wsgi.py` makes it, but with little patience for origins alone.

gunicorn finds it in place of the real one by `--pythonpath tests/support/apps/short_origin_timeouts`.
"""

import os

from resume_service.media.files import MediaFiles
from resume_service.media.origin_connection import Patience
from resume_service.media.origins import Origins
from resume_service.media.source import Media
from resume_service.settings import Settings
from tests.support.long_timeouts import patient_app

settings = Settings.from_env(os.environ)
app = patient_app(settings)
media = app.extensions["resume_service"].get(Media)
media._files = MediaFiles(settings.media_root)
media._origins = Origins(settings.stream_allowed_hosts, Patience(connect=1, headers=1, silence=0.5))
