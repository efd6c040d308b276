"""Makes `docs/watch.jpg`, the picture of `/watch` in the README.

It needs Chromium, and `make run` with the demo in another terminal. The picture shows the first viewer
of the demo, so make it with new data: `.venv/bin/python -m dev.screenshot`, with PORT if it is not 8000.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

from dev import chromium
from dev.run import INSTANCE
from dev.service import ROOT
from resume_service.demo.titles import STUDIOS

if TYPE_CHECKING:
    from playwright.sync_api import Page

TARGET = ROOT / "docs" / "watch.jpg"
QUALITY = 88
LARGEST = 200_000
"""Bytes of the picture."""
SIZE = {"width": 1120, "height": 840}
VIDEO = "The Long Ferry"
STOPPED = """async (video) => {
  await video.play()
  video.pause()
}"""
"""A video that has played shows a picture of its position."""


def main() -> None:
    address = f"http://localhost:{os.environ.get('PORT', '8000')}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.PATH, args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE)  # type: ignore[arg-type]
        page.goto(f"{address}/watch")
        _sign_in(page)
        _open_video(page)
        page.screenshot(path=TARGET, type="jpeg", quality=QUALITY)
        browser.close()
    size = TARGET.stat().st_size
    print(f"{TARGET.relative_to(ROOT)}: {size / 1000:.0f} kB")
    if size > LARGEST:
        raise SystemExit(f"The picture has more than {LARGEST / 1000:.0f} kB")


def _sign_in(page: Page) -> None:
    page.get_by_label("Email address").fill(STUDIOS[0].viewers[0])
    page.get_by_label("Password").fill((INSTANCE / "demo-password").read_text())
    page.get_by_role("button", name="Sign in", exact=True).click()


def _open_video(page: Page) -> None:
    """Open the video, and stop it so that the picture shows its position."""
    page.get_by_role("link", name=VIDEO).first.click()
    page.get_by_text("Resumed at").first.wait_for()
    page.mouse.move(0, 0)
    page.locator("video").evaluate(STOPPED)


if __name__ == "__main__":
    main()
