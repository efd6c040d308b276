"""The application for gunicorn as `wsgi.py` makes it, but with much patience for its stores.

gunicorn finds it in place of the real one by `--pythonpath tests/served_patiently`.
"""

import os

from patience import patient_app

from resume_service.settings import Settings

app = patient_app(Settings.from_env(os.environ))
