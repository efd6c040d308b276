"""The application for gunicorn and for the `flask` command."""

import os

from resume_service import create_app
from resume_service.settings import Settings, SettingsError

try:
    settings = Settings.from_env(os.environ)
except SettingsError as fault:
    raise SystemExit(f"resume-service: {fault}") from None

app = create_app(settings)
