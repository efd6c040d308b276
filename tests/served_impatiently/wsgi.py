"""The application for gunicorn as `wsgi.py` makes it, but with little patience for origins alone.

gunicorn finds it in place of the real one by `--pythonpath tests/served_impatiently`.
"""

import os

from patience import patient_app

from resume_service.catalogue.media_files import MediaFiles
from resume_service.catalogue.origin_connection import Patience
from resume_service.catalogue.origins import Origins
from resume_service.settings import Settings

settings = Settings.from_env(os.environ)
app = patient_app(settings)
media = app.extensions["resume_service"].media
media._files = MediaFiles(settings.media_root)
media._origins = Origins(settings.stream_allowed_hosts, Patience(connect=1, headers=1, silence=0.5))
