"""A real Chromium with Playwright, and what tests check of every page."""

from __future__ import annotations

import shutil
from urllib.parse import urlsplit

import pytest

PATH = shutil.which("chromium") or shutil.which("chromium-browser")
SWITCHES = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
TIMEOUT_MS = 30_000
PHONE = {"width": 360, "height": 740}

needs_a_browser = pytest.mark.skipif(
    PATH is None, reason="needs a browser: install the package chromium"
)


class Faults(list):
    """What went wrong on a page: exceptions, CSP violations and requests to other hosts."""

    def __init__(self, page, address):
        super().__init__()
        self._own = {urlsplit(address).netloc, ""}
        page.on("pageerror", lambda fault: self.append(str(fault)))
        page.on("console", self._read_message)
        page.on("request", self._read_request)

    def _read_message(self, message):
        if "Content Security" in message.text:
            self.append(message.text)

    def _read_request(self, request):
        if urlsplit(request.url).netloc not in self._own:
            self.append(request.url)


def overflow(page):
    """The number of pixels by which the page is wider than the window."""
    return page.evaluate("document.documentElement.scrollWidth - window.innerWidth")


def violations(page):
    """What axe-core objects to, with the first elements concerned.

    axe adds inline styles, which the CSP of a page refuses. So the page needs `bypass_csp`.
    """
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-core")
    found = axe.Axe().run(page, options={"preload": False}).response["violations"]
    return {each["id"]: [node["html"] for node in each["nodes"]][:3] for each in found}
