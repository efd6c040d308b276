"""Where Chromium is on this machine, for tests and for the picture of the README."""

from __future__ import annotations

import shutil

PATH = shutil.which("chromium") or shutil.which("chromium-browser")
"""None if it is not installed."""
