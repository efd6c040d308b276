"""`/docs` in a real browser: it shows the API, and loads nothing from other hosts."""

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
TIMEOUT_MS = 30_000

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
    """An opened page, with the hosts of its requests and its errors and warnings."""

    def __init__(self, browser, service):
        self.page = browser.new_page(viewport={"width": 1280, "height": 1600})
        self.page.set_default_timeout(TIMEOUT_MS)
        self.hosts = set()
        self.faults = []
        self.page.on("request", self._record_host)
        self.page.on("console", self._record_message)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("response", self._record_failure)
        self.page.goto(f"{service.address}/docs")
        self.page.wait_for_selector(".opblock")

    def _record_host(self, request):
        url = urlsplit(request.url)
        if url.scheme not in ("data", "blob"):
            self.hosts.add(url.netloc)

    def _record_message(self, message):
        if message.type in ("error", "warning"):
            self.faults.append(message.text)

    def _record_failure(self, response):
        if response.status >= 400:
            self.faults.append(f"{response.status} {response.url}")


@pytest.fixture(scope="module")
def docs(browser, shared_service):
    visit = Visit(browser, shared_service)
    yield visit
    visit.page.close()


def test_page_shows_every_operation(docs):
    shown = {
        (
            block.locator(".opblock-summary-method").inner_text(),
            # The page breaks long paths with invisible spaces.
            block.locator(".opblock-summary-path").inner_text().replace("\u200b", ""),
        )
        for block in docs.page.locator(".opblock").all()
    }

    assert shown == {
        ("GET", "/"),
        ("GET", "/api/progress/events"),
        ("GET", "/docs"),
        ("GET", "/openapi.json"),
        ("POST", "/api/progress"),
        ("GET", "/api/progress/{clerkId}"),
        ("GET", "/api/progress/{clerkId}/{tmdbId}"),
        ("DELETE", "/api/progress/{clerkId}/{tmdbId}"),
        ("PUT", "/api/progress/{clerkId}/{tmdbId}/watched"),
        ("DELETE", "/api/progress/{clerkId}/{tmdbId}/watched"),
        ("PUT", "/api/progress/{clerkId}/{tmdbId}/dismissed"),
        ("DELETE", "/api/progress/{clerkId}/{tmdbId}/dismissed"),
        ("POST", "/api/progress/batch"),
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


def test_page_sends_requests_only_to_the_service(docs, shared_service):
    docs.page.wait_for_load_state("networkidle")

    assert docs.hosts == {urlsplit(shared_service.address).netloc}


def test_page_causes_no_errors_or_warnings(docs):
    docs.page.wait_for_load_state("networkidle")

    assert docs.faults == []


def test_request_can_be_executed_from_the_page(docs):
    block = docs.page.locator(".opblock", has_text=re.compile(r"/healthz"))
    block.locator(".opblock-summary").click()
    block.get_by_role("button", name="Try it out").click()
    block.get_by_role("button", name="Execute").click()
    answer = block.locator(".live-responses-table .response-col_status").last
    answer.wait_for()

    assert answer.inner_text().startswith("200")
