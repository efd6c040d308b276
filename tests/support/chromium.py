"""A real Chromium with Playwright, and what tests check of every page."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from dev.chromium import PATH

SWITCHES = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
TIMEOUT_MS = 30_000
PHONE = {"width": 360, "height": 740}
DESKTOP = {"width": 1280, "height": 900}

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


MARK_CONTROLS = """() => {
    const controls = document.querySelectorAll("a[href], button, input, select, textarea, summary, video, [role=button]")
    const visible = [...controls].filter((each) => each.checkVisibility({ visibilityProperty: true }) && !each.disabled)
    for (const each of visible) each.dataset.unreached = each.textContent.trim() || each.outerHTML.slice(0, 80)
    document.activeElement.blur()
    return visible.length
}"""
REACH = """() => {
    const focused = document.activeElement
    const styles = ["", "::before", "::after"].map((part) => getComputedStyle(focused, part))
    if (styles.some(({ outlineStyle }) => outlineStyle !== "none")) delete focused.dataset.unreached
}"""
REST = "[...document.querySelectorAll('[data-unreached]')].map((each) => each.dataset.unreached)"


def unreached(page):
    """The visible controls that Tab does not reach, or that do not show that they have the focus."""
    video_controls = 10
    for _ in range(page.evaluate(MARK_CONTROLS) + video_controls):
        page.keyboard.press("Tab")
        page.evaluate(REACH)
    return page.evaluate(REST)


def violations(page):
    """What axe-core objects to, with the first elements concerned.

    axe adds inline styles, which the CSP of a page refuses. So the page needs `bypass_csp`.
    """
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-core")
    found = axe.Axe().run(page, options={"preload": False}).response["violations"]
    return {each["id"]: [node["html"] for node in each["nodes"]][:3] for each in found}
