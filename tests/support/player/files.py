"""Where the files of the test pages are."""

from __future__ import annotations

from dev.service import ROOT
from resume_service.demo.media import CLIPS_FOLDER

PAGE_FILES = ROOT / "tests" / "support" / "player" / "page"
PACKAGE = ROOT / "clients" / "js" / "src"
NPM = ROOT / "tests" / "player" / "browsers" / "node_modules"
FOLDERS = {"player": PAGE_FILES, "resume-points": PACKAGE, "media": CLIPS_FOLDER, "npm": NPM}
"""By the first part of a path."""
