"""`/watch`: what the page says and does if something fails."""

from __future__ import annotations

import re

import pytest

from tests.support import chromium
from tests.support.chromium import needs_a_browser
from tests.support.watch_page import PAST, names, open_video, seek, tile

pytestmark = needs_a_browser
FERRY = "The Long Ferry"
SILENT_STREAM = """(bytes) => {
  const original = fetch
  window.fetch = (url, options) => {
    if (!url.includes("/stream/")) return original(url, options)
    document.body.dataset.asked = ""
    const start = (controller) => {
      controller.enqueue(new Uint8Array(bytes))
      options.signal.addEventListener("abort", () => controller.error(options.signal.reason))
    }
    return Promise.resolve(new Response(new ReadableStream({ start })))
  }
}"""
"""Streams send so many bytes, and then nothing."""
SPY = """() => {
  window.revoked = []
  const original = URL.revokeObjectURL.bind(URL)
  URL.revokeObjectURL = (url) => window.revoked.push(url) && original(url)
}"""
"""Records which URLs of bytes are revoked."""
TOKEN = "JSON.parse(sessionStorage.getItem('sign-in')).token"
USER = "JSON.parse(sessionStorage.getItem('sign-in')).user.id"
FIRST_POINTS = re.compile(r"/api/progress/\d+\?limit=100")


def test_a_stream_that_stops_in_the_middle_ends_with_a_message(open_page):
    page = open_page()
    page.clock.install()
    page.evaluate(SILENT_STREAM, 9)
    open_video(page, FERRY)
    page.locator("body[data-asked]").wait_for()
    page.clock.fast_forward(14_000)
    assert page.get_by_role("alert").count() == 0
    page.clock.fast_forward(2_000)

    page.get_by_role("alert").get_by_text("Check your connection").wait_for()


def test_a_late_save_that_moves_nothing_is_not_shown_as_saved(open_page, served):
    page = open_page()
    open_video(page, "Weather for Sailors")
    page.locator("video").evaluate(PAST, 2)
    page.route("**/api/progress**", lambda route: route.abort())
    page.route("**/api/progress/batch", lambda route: route.abort())
    page.locator("video").evaluate("(video) => video.pause()")
    offline = "No connection. Your position is kept on this device."
    page.locator(".panel__state").get_by_text(offline).wait_for()
    assert page.locator("#announcement").text_content() == offline

    video_id = re.search(r"video=(\d+)", page.url)[1]
    page.request.post(
        f"{served.address}/api/progress",
        data={"clerkId": page.evaluate(USER), "tmdbId": video_id, "currentTime": 40},
        headers={"Authorization": f"Bearer {page.evaluate(TOKEN)}"},
    )
    page.unroute_all()
    page.evaluate("dispatchEvent(new Event('online'))")
    page.locator(".panel__state:empty").wait_for(state="attached")


def test_a_message_is_read_out_again_if_it_is_shown_again(open_page):
    page = open_page()
    names(page, "Continue watching")
    remove, undo = (page.get_by_role("button", name=name) for name in (f"Remove {FERRY}", "Undo"))
    remove.click()
    undo.wait_for()
    # A screen reader may not notice that a text is replaced by the same text.
    first = page.evaluate_handle("document.getElementById('announcement').firstElementChild")
    undo.click()
    remove.click()
    undo.wait_for()

    assert page.evaluate("(first) => !first.isConnected", first)
    assert FERRY in page.locator("#announcement").text_content()


def test_the_next_episode_is_of_the_same_series_and_not_of_another_company(open_page):
    page = open_page()

    def add_foreign(route):
        answer = route.fetch().json()
        [ferry] = [
            each for each in answer["items"] if each["video"]["name"] == "Ferry Tales: Anchor"
        ]
        foreign = {part: ferry[part] | {"id": 9000, "name": "Foreign"} for part in ferry}
        route.fulfill(json={"items": [foreign, *answer["items"]]})

    page.route("**/api/v1/viewing/next-up", add_foreign)
    open_video(page, "Ferry Tales: Bow")
    page.locator("video").evaluate(PAST, 1)
    seek(page, 59.5)

    page.locator(".panel").get_by_text("Next:").wait_for()
    assert page.locator(".panel").get_by_text("Next: Ferry Tales: Anchor").is_visible()


def test_the_page_works_without_the_live_stream(open_page):
    page = open_page()
    page.route("**/resume-points/listening.js", lambda route: route.abort())
    with page.expect_event("requestfailed"):
        page.reload()

    assert FERRY in names(page, "Continue watching")


def test_points_after_the_first_hundred_show_their_progress(open_page):
    page = open_page()
    names(page, "All videos")
    film = tile(page, "All videos", "Lighthouse Keepers")
    video_id = film.get_by_role("link").get_attribute("data-video")
    assert film.get_by_role("progressbar").count() == 0

    def answer(route):
        if "cursor=" not in route.request.url:
            route.fulfill(json=[], headers={"Link": '</x?limit=100&cursor=2>; rel="next"'})
            return
        point = {"currentTime": 30, "duration": 60, "updatedAt": "2026-01-01T00:00:00.000Z"}
        route.fulfill(json=[point | {"tmdbId": video_id, "watched": False}])

    page.route(FIRST_POINTS, answer)
    page.reload()
    film.get_by_role("progressbar").wait_for()


def test_a_request_after_a_sign_out_does_not_claim_that_a_token_is_refused(open_page):
    page = open_page()
    failed = page.evaluate(
        """async () => {
          const { api, session } = await import("/site/site.js")
          session.signOut()
          return api("/v1/course").catch(({ status }) => [status, session.reason])
        }"""
    )

    assert failed == [401, None]
    assert page.get_by_role("alert").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation_in_the_rarer_states_of_the_page(open_page, scheme):
    page = open_page(color_scheme=scheme, viewport=chromium.PHONE, bypass_csp=True)

    def is_fine():
        return (chromium.violations(page), chromium.overflow(page)) == ({}, 0)

    page.route("**/api/v1/viewing/*", lambda route: route.fulfill(json={"items": []}))
    page.route("**/v1/videos?page=*", lambda route: route.fulfill(json=[]))
    page.reload()
    page.get_by_text("No videos yet").wait_for()
    assert is_fine()

    page.unroute_all()
    page.route("**/api/v1/viewing/*", lambda route: route.fulfill(status=503, body="{}"))
    page.route("**/v1/videos/stream/*", lambda route: route.abort())
    page.goto(page.url)
    page.get_by_role("alert").first.wait_for()
    open_video(page, FERRY)
    page.locator(".stage").get_by_role("alert").wait_for()
    assert is_fine()

    page.get_by_role("button", name="Sign out").click()
    page.get_by_label("Email address").wait_for()
    assert is_fine()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation_while_another_device_is_ahead(open_page, scheme):
    here = open_page(color_scheme=scheme, viewport=chromium.PHONE, bypass_csp=True)
    there = open_page()
    for page in (here, there):
        open_video(page, "Weather for Sailors")
        page.locator("video").evaluate(PAST, 2)
        page.locator("video").evaluate("(video) => video.pause()")
    seek(there, 40)
    here.get_by_role("button", name="Go to 0:40").wait_for()

    assert (chromium.violations(here), chromium.overflow(here)) == ({}, 0)


def test_a_new_try_frees_the_bytes_of_the_try_before(open_page):
    page = open_page()
    open_video(page, FERRY)
    page.get_by_role("button", name="Start over").wait_for()
    first = page.locator("video").get_attribute("src")
    page.evaluate(SPY)
    page.locator("video").dispatch_event("error")
    page.get_by_role("button", name="Try again").click()
    page.locator(f'video[src]:not([src="{first}"])').wait_for()

    assert page.evaluate("window.revoked") == [first]
