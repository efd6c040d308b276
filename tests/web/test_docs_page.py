"""`/docs` in a real browser: it shows the API to people, and loads nothing from other hosts."""

from __future__ import annotations

from contextlib import closing

import pytest

from resume_service import BLUEPRINTS, DATABASE_BLUEPRINTS, SIGN_IN_BLUEPRINTS, stripe
from resume_service.web.groups import BY_BLUEPRINT
from tests.support import chromium
from tests.support.tokens import token

pytestmark = chromium.needs_a_browser


@pytest.fixture(scope="module")
def docs(chromium_browser, shared_service):
    """The page. At the end of the module, it has had no fault."""
    opened = chromium_browser.new_page(viewport={"width": 1280, "height": 1600})
    opened.set_default_timeout(chromium.TIMEOUT_MS)
    faults = chromium.Faults(opened, shared_service.address)
    visit(opened, shared_service)
    yield opened
    opened.close()
    assert faults == []


def visit(page, service):
    page.goto(f"{service.address}/docs")
    page.locator(".group").first.wait_for()


def open_group(page, name):
    button = page.get_by_role("heading", name=name, exact=True).get_by_role("button")
    if button.get_attribute("aria-expanded") == "false":
        button.click()


def open_route(page, method, path):
    route = page.get_by_role("button", name=f"{method} {path}:")
    if route.get_attribute("aria-expanded") == "false":
        route.click()
    return page.locator(".opblock.is-open").filter(has=route)


def test_the_groups_are_closed_and_have_names_for_people(docs, shared_service):
    visit(docs, shared_service)
    names = docs.get_by_role("heading", level=2).get_by_role("button").all_inner_texts()

    assert names == [
        "Resume points", "Live changes", "Watched and dismissed", "Progress in percent",
        "Movies and episodes", "Operation",
    ]  # fmt: skip
    assert docs.locator(".opblock").count() == 0
    assert docs.title() == "API · Resume points"


def test_the_introduction_says_how_to_start_and_folds_the_conventions(docs, shared_service):
    visit(docs, shared_service)
    introduction = docs.get_by_role("region", name="Introduction")
    steps = introduction.get_by_role("listitem").locator("strong").all_inner_texts()
    rule = introduction.get_by_text("Every response has the header")

    assert steps == ["Get a token", "Save", "Read"]
    assert introduction.get_by_text("sends real requests").is_visible()
    assert not rule.is_visible()
    introduction.get_by_text("Conventions").click()
    assert rule.is_visible()


def test_every_blueprint_has_a_group():
    all_of_them = (*BLUEPRINTS, *DATABASE_BLUEPRINTS, *SIGN_IN_BLUEPRINTS, stripe.blp)

    assert {each.name for each in all_of_them} == set(BY_BLUEPRINT)


def test_the_page_shows_every_operation(docs, shared_service):
    visit(docs, shared_service)
    document = docs.request.get(f"{shared_service.address}/openapi.json").json()
    for tag in document["tags"]:
        open_group(docs, tag["name"])
    docs.locator(".opblock").first.wait_for()
    shown = {
        (each.locator(".route__method").inner_text(), each.locator(".route__path").inner_text())
        for each in docs.locator(".opblock").all()
    }

    assert shown == {
        (method.upper(), path)
        for path, item in document["paths"].items()
        for method in item
        if method != "parameters"
    }
    assert "`" not in docs.locator("main").inner_text()


def test_a_request_is_sent_with_the_token_of_the_signed_in_user(docs, shared_service):
    visit(docs, shared_service)
    docs.get_by_role("banner").get_by_role("button", name="Sign in").click()
    docs.get_by_label("Access token", exact=True).fill(token("user_123456"))
    docs.keyboard.press("Enter")
    docs.get_by_role("banner").get_by_text("user_123456").wait_for()
    assert docs.evaluate("document.activeElement.tagName") == "H1"

    open_group(docs, "Resume points")
    block = open_route(docs, "GET", "/api/progress/{clerkId}")
    block.get_by_role("button", name="Try it out").click()
    block.get_by_placeholder("clerkId").fill("user_123456")
    block.get_by_role("button", name="Execute").click()
    status = block.locator(".live-responses-table .response-col_status").last
    status.wait_for()

    assert status.inner_text().startswith("200")


def test_the_keyboard_alone_sends_a_request(docs, shared_service):
    visit(docs, shared_service)
    for name in ("Operation", "GET /healthz:", "Try it out", "Execute"):
        docs.get_by_role("button", name=name).first.wait_for()
        tab_to(docs, name)
        docs.keyboard.press("Enter")
    docs.locator(".live-responses-table .response-col_status").last.wait_for()

    assert chromium.unreached(docs) == []


def tab_to(page, name):
    """Press Tab until the focus is on the control with this name."""
    for _ in range(60):
        page.keyboard.press("Tab")
        focused = "document.activeElement.ariaLabel ?? document.activeElement.textContent"
        if page.evaluate(focused).strip().startswith(name):
            return
    pytest.fail(f"Tab does not reach {name}")


def test_a_sign_in_that_ends_by_itself_is_explained_in_its_dialog(docs, shared_service):
    visit(docs, shared_service)
    reason = "Your sign-in has ended. Sign in again."
    docs.evaluate(
        "(reason) => import('/site/site.js').then(({ session }) => session.end(reason))", reason
    )
    docs.get_by_role("dialog", name="Sign in").get_by_text(reason).wait_for()

    assert docs.evaluate("document.activeElement.id") == "sign-in-token"


def test_a_missing_file_is_explained_and_loaded_again_on_request(docs, shared_service):
    docs.route("**/swagger-ui-bundle.js", lambda route: route.abort())
    docs.goto(f"{shared_service.address}/docs")
    docs.get_by_role("alert").get_by_text("a file is missing").wait_for()
    docs.unroute("**/swagger-ui-bundle.js")
    docs.get_by_role("button", name="Try again").click()

    docs.locator(".group").first.wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [chromium.PHONE, chromium.DESKTOP], ids=["phone", "desktop"])
def test_axe_finds_no_violation_and_nothing_is_wider_than_the_window(
    chromium_browser, shared_service, scheme, viewport
):
    context = chromium_browser.new_context(color_scheme=scheme, viewport=viewport, bypass_csp=True)
    with closing(context):
        page = context.new_page()
        visit(page, shared_service)
        assert chromium.violations(page) == {}
        open_group(page, "Resume points")
        block = open_route(page, "POST", "/api/progress")
        block.get_by_role("button", name="Try it out").click()
        block.get_by_role("button", name="Execute").click()
        block.locator(".live-responses-table").wait_for()

        assert chromium.violations(page) == {}
        assert chromium.overflow(page) == 0
        page.get_by_role("banner").get_by_role("button", name="Sign in").click()
        assert chromium.violations(page) == {}
