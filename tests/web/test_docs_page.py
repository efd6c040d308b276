"""`/docs` in a real browser: it shows the API, and asks nobody but the service."""

from __future__ import annotations

import re
import shutil
from urllib.parse import urlsplit

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SWITCHES = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
PATIENCE_MS = 30_000

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="needs a browser: install the package chromium"
)


@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        yield opened
        opened.close()


class Visit:
    """A page, with all that it asked for and complained of."""

    def __init__(self, browser, service):
        self.page = browser.new_page(viewport={"width": 1280, "height": 1600})
        self.page.set_default_timeout(PATIENCE_MS)
        self.hosts = set()
        self.complaints = []
        self.page.on("request", self._note)
        self.page.on("console", self._listen)
        self.page.on("pageerror", lambda fault: self.complaints.append(str(fault)))
        self.page.on("response", self._check)
        self.page.goto(f"{service.address}/docs")
        self.page.wait_for_selector(".opblock")

    def _note(self, request):
        url = urlsplit(request.url)
        if url.scheme not in ("data", "blob"):
            self.hosts.add(url.netloc)

    def _listen(self, message):
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def _check(self, response):
        if response.status >= 400:
            self.complaints.append(f"{response.status} {response.url}")


@pytest.fixture
def docs(browser, service):
    visit = Visit(browser, service)
    yield visit
    visit.page.close()


def test_the_page_shows_every_operation(docs):
    shown = {
        (
            block.locator(".opblock-summary-method").inner_text(),
            # The page breaks long paths with invisible spaces.
            block.locator(".opblock-summary-path").inner_text().replace("\u200b", ""),
        )
        for block in docs.page.locator(".opblock").all()
    }

    assert shown == {
        ("GET", "/docs"),
        ("GET", "/openapi.json"),
        ("POST", "/api/progress"),
        ("GET", "/api/progress/{clerkId}"),
        ("GET", "/api/progress/{clerkId}/{tmdbId}"),
        ("DELETE", "/api/progress/{clerkId}/{tmdbId}"),
        ("GET", "/videos/{video_id}/progress"),
        ("POST", "/videos/{video_id}/progress"),
        ("GET", "/api/v1/playback/movie/{media_item_id}"),
        ("POST", "/api/v1/playback/movie/{media_item_id}"),
        ("GET", "/api/v1/playback/episode/{episode_id}"),
        ("POST", "/api/v1/playback/episode/{episode_id}"),
        ("GET", "/healthz"),
        ("GET", "/readyz"),
        ("GET", "/metrics"),
    }


def test_the_page_asks_nobody_but_the_service(docs, service):
    docs.page.wait_for_load_state("networkidle")

    assert docs.hosts == {urlsplit(service.address).netloc}


def test_the_page_has_nothing_to_complain_of(docs):
    docs.page.wait_for_load_state("networkidle")

    assert docs.complaints == []


def test_a_request_can_be_tried_from_the_page(docs):
    block = docs.page.locator(".opblock", has_text=re.compile(r"/healthz"))
    block.locator(".opblock-summary").click()
    block.get_by_role("button", name="Try it out").click()
    block.get_by_role("button", name="Execute").click()
    answer = block.locator(".live-responses-table .response-col_status").last
    answer.wait_for()

    assert answer.inner_text().startswith("200")
