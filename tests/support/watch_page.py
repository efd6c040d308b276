"""What tests do on the page `/watch`."""

from __future__ import annotations

PAST = """async (video, seconds) => {
  while (video.readyState < 3 || video.currentTime < seconds || video.seeking)
    await new Promise((resolve) => setTimeout(resolve, 20))
}"""
"""Resolves when the video plays at a position."""


def shelf(page, name):
    return page.get_by_role("region", name=name)


def names(page, name):
    """The names of the videos in a list, after it is loaded."""
    shelf(page, name).locator(".tile a").first.wait_for()
    return shelf(page, name).get_by_role("link").all_inner_texts()


def tile(page, list_name, video_name):
    return shelf(page, list_name).get_by_role("listitem").filter(has_text=video_name)


def open_video(page, name):
    page.get_by_role("link", name=name).first.click()
    page.get_by_role("heading", level=1, name=name).wait_for()


def position(page):
    return page.locator("video").evaluate("(video) => video.currentTime")


def seek(page, seconds):
    page.locator("video").evaluate("(video, to) => { video.currentTime = to }", seconds)


def focused(page):
    return page.evaluate("document.activeElement.ariaLabel || document.activeElement.innerText")
