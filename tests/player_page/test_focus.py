"""`/watch`: no button takes the focus away with it."""

from __future__ import annotations

import re

from tests.support.chromium import needs_a_browser
from tests.support.watch_page import focused, names, open_video, shelf, tile

pytestmark = needs_a_browser
FERRY = "The Long Ferry"
VIDEO = {
    "kind": "movie", "corporation_id": None, "duration_seconds": 90, "series_id": None,
    "season_number": None, "episode_number": None,
}  # fmt: skip
VIDEOS = [VIDEO | {"id": number, "name": f"Film {number}"} for number in range(1001, 1204)]
PAGE = re.compile(r"/v1/videos\?page=(\d+)")


def with_many_videos(page):
    """Serve 203 videos in three pages. Return the list of the pages that were read."""
    names(page, "All videos")  # the first load has ended
    read = []

    def answer(route):
        number = int(PAGE.search(route.request.url)[1])
        read.append(number)
        route.fulfill(json=VIDEOS[100 * (number - 1) : 100 * number])

    page.route(PAGE, answer)
    page.reload()
    tile(page, "All videos", "Film 1001").wait_for()
    return read


def test_two_quick_clicks_show_the_next_page_once_and_focus_its_first_video(open_page):
    page = open_page()
    read = with_many_videos(page)
    more = page.get_by_role("button", name="Show more videos")
    more.focus()
    more.evaluate("(button) => { button.click(); button.click() }")
    tile(page, "All videos", "Film 1101").wait_for()
    assert focused(page) == "Film 1101"
    more.press("Enter")
    tile(page, "All videos", "Film 1203").wait_for()

    assert read == [1, 2, 3]
    assert names(page, "All videos") == [video["name"] for video in VIDEOS]
    assert focused(page) == "Film 1201"


def test_a_new_try_of_one_list_reads_no_more_videos_and_focuses_its_heading(open_page):
    page = open_page()
    page.route("**/api/v1/viewing/continue", lambda route: route.fulfill(status=503, body="{}"))
    read = with_many_videos(page)
    again = shelf(page, "Continue watching").get_by_role("button", name="Try again")
    again.wait_for()
    page.unroute("**/api/v1/viewing/continue")
    again.press("Enter")

    assert FERRY in names(page, "Continue watching")
    assert read == [1]
    assert focused(page) == "Continue watching"


def test_a_new_try_of_a_list_that_stays_empty_focuses_the_heading_of_the_page(open_page):
    page = open_page()
    page.route("**/api/v1/viewing/next-up", lambda route: route.fulfill(status=503, body="{}"))
    page.reload()
    again = shelf(page, "Next up").get_by_role("button", name="Try again")
    again.wait_for()
    page.unroute("**/api/v1/viewing/next-up")
    page.route("**/api/v1/viewing/next-up", lambda route: route.fulfill(json={"items": []}))
    again.press("Enter")
    shelf(page, "Next up").wait_for(state="hidden")

    assert focused(page) == "Watch"


def test_the_button_that_removes_the_video_in_the_player_hands_the_focus_on(open_page):
    page = open_page()
    open_video(page, FERRY)
    remove = page.get_by_role("button", name="Remove from list")
    remove.press("Enter")
    remove.wait_for(state="hidden")

    assert focused(page) == "Mark as watched"


def test_a_new_try_of_a_video_focuses_its_name(open_page):
    page = open_page()
    page.route("**/v1/videos/stream/*", lambda route: route.abort())
    open_video(page, FERRY)
    page.get_by_role("alert").get_by_text("Check your connection").wait_for()
    page.unroute("**/v1/videos/stream/*")
    page.get_by_role("button", name="Try again").press("Enter")
    page.get_by_role("button", name="Start over").wait_for()

    assert focused(page) == FERRY


def test_new_lists_leave_the_focus_on_the_link_to_the_lesson(open_page):
    page = open_page()
    open_video(page, "A Walk along the Quay")
    page.get_by_role("link", name="Light", exact=True).focus()
    page.get_by_role("button", name="Mark as watched").dispatch_event("click")
    page.get_by_role("button", name="Mark as not watched").wait_for()

    assert focused(page) == "Light"
