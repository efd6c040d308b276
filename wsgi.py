"""The application for gunicorn and for the `flask` command."""

import os

from resume_service import create_app
from resume_service.settings import Settings, SettingsError

try:
    settings = Settings.from_env(os.environ)
except SettingsError as error:
    raise SystemExit(f"resume-service: {error}") from None

app = create_app(settings)
