"""`/watch` in a real browser, with the demo's videos and the points of one viewer."""

from __future__ import annotations

import pytest

from tests.support import chromium
from tests.support.chromium import needs_a_browser, overflow, violations
from tests.support.watch_page import PAST, focused, names, open_video, position, seek, shelf, tile

pytestmark = needs_a_browser
CONTINUED = ["A Walk along the Quay", "The Long Ferry", "Tides: Spring", "Keepers: The Log"]
NEXT_UP = ["Ferry Tales: Anchor", "The Harbour: High Water"]
SERIES = ["The Harbour", "Ferry Tales", "Keepers", "Storm Watch", "Old Charts", "Tides"]
HARBOUR = ["S1 E1", "S1 E2", "S1 E3", "S2 E1", "S2 E2", "S2 E3", "Special 1"]
PANEL_BUTTONS = ["Mark as watched", "Remove from list"]
FERRY_AT, FERRY_BEFORE, FERRY_SECONDS = 22.5, 120, 150
LINES = "(nodes) => nodes.map((node) => node.getClientRects().length)"
GAPS = """(pictures) => pictures.map((picture) => {
  const sign = document.createRange()
  sign.selectNodeContents(picture.querySelector(".tile__sign"))
  const [text, badge] = [sign, picture.querySelector(".tile__badge")].map((each) => each.getBoundingClientRect())
  return Math.max(badge.top - text.bottom, badge.left - text.right)
})"""
"""Pixels between the text in a picture and its length."""


def test_the_lists_show_what_to_continue_with_its_progress_and_what_is_next(open_page):
    page = open_page()

    assert names(page, "Continue watching") == CONTINUED
    assert names(page, "Next up") == NEXT_UP
    ferry = shelf(page, "Continue watching").get_by_role("listitem").filter(has_text="Ferry")
    share = 100 * FERRY_AT / FERRY_SECONDS
    assert ferry.get_by_role("progressbar").evaluate("(bar) => bar.value") == share
    assert focused(page) == "Watch"


def test_a_video_of_another_company_is_not_listed_and_says_why_it_does_not_play(open_page):
    page = open_page()
    assert "The Last Tram" not in names(page, "All videos")
    listed = page.evaluate("fetch('/v1/videos?per_page=100').then((answer) => answer.json())")
    [tram] = [video["id"] for video in listed if video["name"] == "The Last Tram"]

    page.goto(page.url + f"?video={tram}")
    page.get_by_role("alert").get_by_text("This video is not available to you.").wait_for()
    assert page.get_by_role("button", name="Start over").count() == 0


def test_a_video_resumes_and_offers_the_earlier_position_and_the_start(open_page):
    page = open_page()
    open_video(page, "The Long Ferry")
    page.locator(".panel").get_by_text("Resumed at 0:22.").wait_for()
    assert position(page) >= FERRY_AT
    assert focused(page) == "The Long Ferry"

    page.get_by_role("button", name="Back to 2:00").click()
    page.locator("video").evaluate(PAST, FERRY_BEFORE)
    page.reload()
    page.get_by_role("button", name="Start over").click()
    page.locator("video").evaluate(PAST, 0)
    assert position(page) < 10


def test_no_button_moves_when_a_message_closes(open_page):
    page = open_page()
    open_video(page, "The Long Ferry")
    page.get_by_role("button", name="Start over").wait_for()
    buttons = [page.get_by_role("button", name=name) for name in PANEL_BUTTONS]
    before = [each.bounding_box() for each in buttons]
    page.get_by_role("button", name="Close: Resumed at").click()
    page.get_by_role("button", name="Start over").wait_for(state="detached")

    assert [each.bounding_box() for each in buttons] == before


def test_the_video_in_the_player_is_not_in_the_personal_lists(open_page):
    page = open_page()
    names(page, "Next up")
    open_video(page, "The Long Ferry")
    assert names(page, "Continue watching") == [CONTINUED[0], *CONTINUED[2:]]
    shelf(page, "Next up").get_by_role("link", name=NEXT_UP[0]).click()
    page.get_by_role("heading", level=1, name=NEXT_UP[0]).wait_for()
    assert names(page, "Next up") == NEXT_UP[1:]

    page.get_by_role("button", name="← All videos").click()
    page.get_by_role("heading", level=1, name="Watch").wait_for()
    assert "The Long Ferry" in names(page, "Continue watching")


def test_each_series_has_a_heading_and_its_specials_come_last(open_page):
    page = open_page()
    names(page, "All videos")
    groups = page.locator("#all .group")
    headings = groups.get_by_role("heading", level=3).all_inner_texts()
    harbour = groups.filter(has=page.get_by_role("heading", level=3, name="The Harbour"))

    assert headings == ["Movies", *SERIES, "More videos"]
    assert harbour.locator(".tile__sign").all_inner_texts() == HARBOUR
    assert harbour.get_by_role("link", name="The Harbour: Low Tide").is_visible()


def test_a_position_appears_in_another_window_and_goes_on_there(open_page):
    here, there = open_page(), open_page()
    names(there, "Continue watching")
    open_video(here, "Weather for Sailors")
    here.locator("video").evaluate(PAST, 1)
    seek(here, 40)
    here.locator("video").evaluate(PAST, 41)
    here.locator("video").evaluate("(video) => video.pause()")
    at = position(here)

    there.locator("#continue").get_by_role("link", name="Weather for Sailors").click()
    there.locator("video").evaluate(PAST, 40)
    assert abs(position(there) - at) < 1
    seek(there, 10)
    here.get_by_role("button", name="Go to 0:1").click()
    here.locator("video").evaluate(PAST, 10)
    assert position(here) < 20


def test_a_removed_video_can_be_put_back_and_the_focus_stays_in_the_list(open_page):
    page = open_page()
    names(page, "Continue watching")
    page.get_by_role("button", name="Remove The Long Ferry").click()
    page.get_by_role("button", name="Undo").wait_for()
    page.get_by_role("button", name="Remove The Long Ferry").wait_for(state="detached")
    assert names(page, "Continue watching") == [CONTINUED[0], *CONTINUED[2:]]
    assert focused(page) == "Remove Tides: Spring from “Continue watching”"

    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Remove The Long Ferry").wait_for()
    assert names(page, "Continue watching") == CONTINUED
    assert focused(page) == "Continue watching"


def test_a_viewer_marks_a_video_as_watched_and_takes_the_mark_back(open_page):
    page = open_page()
    open_video(page, "Lighthouse Keepers")
    page.get_by_role("button", name="Mark as watched").click()
    page.get_by_role("button", name="Mark as not watched").wait_for()
    page.locator(".tile").filter(has_text="Lighthouse Keepers").get_by_text("Watched").wait_for()

    page.get_by_role("button", name="Mark as not watched").click()
    page.get_by_role("button", name="Mark as watched").wait_for()


def test_after_an_episode_the_page_offers_the_next_one(open_page):
    page = open_page()
    open_video(page, "Ferry Tales: Bow")
    page.locator("video").evaluate(PAST, 1)
    seek(page, 59.5)

    page.locator(".panel").get_by_text("Next: Ferry Tales: Anchor").wait_for()
    page.get_by_role("button", name="Play", exact=True).click()
    page.get_by_role("heading", level=1, name="Ferry Tales: Anchor").wait_for()


def test_a_video_links_to_its_lesson_and_the_lesson_to_its_video(open_page):
    page = open_page()
    open_video(page, "How to Tie a Bowline")
    page.get_by_role("link", name="Welcome").click()
    page.wait_for_url("**/dashboard#lesson-*")
    page.get_by_role("listitem").filter(has_text="Welcome").get_by_role("link").click()

    page.get_by_role("heading", level=1, name="How to Tie a Bowline").wait_for()


def test_on_a_phone_the_rest_of_a_video_is_on_one_line_and_its_length_covers_nothing(open_page):
    page = open_page(viewport=chromium.PHONE)
    names(page, "All videos")
    lines = page.locator(".tile__state:not(:empty)").evaluate_all(LINES)
    gaps = page.locator("#all .tile__picture").evaluate_all(GAPS)

    assert set(lines) == {1}
    assert min(gaps) >= 0


def test_a_video_of_a_locked_lesson_says_what_to_complete_first_and_plays(open_page):
    page = open_page()
    open_video(page, "A Walk along the Quay")
    page.get_by_text("Lesson: Light (locked: complete Welcome first)").wait_for()

    page.locator("video").evaluate("(video) => { video.muted = true; return video.play() }")


def test_a_failed_list_has_its_own_message_and_a_new_try(open_page):
    page = open_page()
    names(page, "Next up")
    page.route("**/api/v1/viewing/continue", lambda route: route.fulfill(status=503, body="{}"))
    page.reload()
    shelf(page, "Continue watching").get_by_role("alert").wait_for()
    assert names(page, "Next up") == NEXT_UP

    page.unroute("**/api/v1/viewing/continue")
    shelf(page, "Continue watching").get_by_role("button", name="Try again").click()
    assert names(page, "Continue watching") == CONTINUED


def test_the_keyboard_alone_opens_a_video_and_goes_back(open_page):
    page = open_page()
    names(page, "Continue watching")
    page.keyboard.press("Tab")  # from the heading of the page to the first video
    page.keyboard.press("Enter")
    page.get_by_role("heading", level=1, name=CONTINUED[0]).wait_for()
    page.get_by_role("button", name="Start over").wait_for()
    assert chromium.unreached(page) == []

    page.go_back()
    page.get_by_role("heading", level=1, name="Watch").wait_for()
    assert focused(page) == "Watch"


def test_a_marked_video_counts_as_watched_but_can_be_continued_where_the_viewer_stopped(open_page):
    page = open_page()
    open_video(page, CONTINUED[0])
    page.get_by_role("button", name="Mark as watched").click()
    page.get_by_role("button", name="Mark as not watched").wait_for()
    page.get_by_role("button", name="← All videos").click()

    tile(page, "All videos", CONTINUED[0]).get_by_text("✓ Watched").wait_for()
    tile(page, "Continue watching", CONTINUED[0]).get_by_text("left").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [chromium.PHONE, chromium.DESKTOP], ids=["phone", "desktop"])
def test_axe_finds_no_violation_and_nothing_is_wider_than_the_window(open_page, scheme, viewport):
    page = open_page(color_scheme=scheme, viewport=viewport, bypass_csp=True)
    names(page, "Continue watching")
    assert (violations(page), overflow(page)) == ({}, 0)

    open_video(page, "The Long Ferry")
    page.locator(".panel").get_by_text("Resumed at").wait_for()
    assert (violations(page), overflow(page)) == ({}, 0)
