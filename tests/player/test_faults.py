"""Rules 8 and 9: a failing service never disturbs the player, and tokens stay secret."""

from __future__ import annotations

import itertools
import time

import pytest

from tests.support.eventually import eventually
from tests.support.player.front import DROP, HANG, PASS, Answer
from tests.support.player.tab import PAGE, SEA
from tests.support.tokens import token

FAULTS = {
    "dead": DROP,
    "hanging": HANG,
    "503": Answer(503, headers={"Retry-After": "2"}),
    "401": Answer(401),
    "403": Answer(403),
    "413": Answer(413),
    "rubbish": Answer(200, b"<!doctype html><title>Wi-Fi sign-in</title>"),
}
RARER = {
    "500": Answer(500, b"<html>Internal Server Error</html>"),
    "wrong json": Answer(200, b'{"currentTime": "NaN", "results": 7}'),
    "redirect": Answer(302, headers={"Location": "/player/index.html"}),
}
PLAYED = 30
"""Seconds of playback, at five times the speed."""


@pytest.mark.parametrize(
    "name", [*FAULTS, *(pytest.param(name, marks=pytest.mark.only_soak) for name in RARER)]
)
def test_rule_8_the_player_plays_and_requests_stay_within_the_backoff(new_tab, front, name):
    front.always((FAULTS | RARER)[name])
    tab = new_tab()
    tab.start(SEA, every=5, live=True)
    tab.reaches(0.01)
    started = time.monotonic()
    tab.do("media.playbackRate = 5")
    tab.reaches(PLAYED)
    took = time.monotonic() - started

    assert tab.page.evaluate("player.waited") < 500, "watch() must not delay the player"
    first = next(each["at"] for each in tab.log if each["type"] == "playing")
    begun = next(each["at"] for each in tab.log if each["type"] == "timeupdate")
    assert begun - first < 2000
    assert took < PLAYED / 5 + 8, "playback stalled"
    dropped = {"403", "413"}
    most = PLAYED / 5 + 1 if name in dropped else took + 4
    assert len(front.saves) <= most * (2 if name in {"dead", "401"} else 1)
    assert sum(each.is_stream for each in front.requests) <= took + 3
    for earlier, later in itertools.pairwise(front.saves) if name == "503" else ():
        assert later.at - earlier.at >= 2


def test_rule_8_playback_starts_at_0_within_2_s_if_the_service_hangs(new_tab, front):
    front.always(HANG)
    tab = new_tab()
    tab.start(SEA)
    started = time.monotonic()
    assert tab.do("return await watching.started") == pytest.approx(0, abs=2.5)

    assert time.monotonic() - started < 2.5
    assert tab.time > 0.5


def test_rule_8_start_time_is_0_within_2_s_if_the_service_hangs(new_tab, front):
    front.always(HANG)
    tab = new_tab()
    started = time.monotonic()

    assert tab.page.evaluate("(token) => player.points(token).startTime('v1')", token("ann")) == 0
    assert time.monotonic() - started < 2.5


@pytest.mark.parametrize(
    "breakage",
    [
        "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError') }",
        "Object.defineProperty(window, 'localStorage', { get() { throw new Error('forbidden') } })",
        "delete Navigator.prototype.locks",
        "window.BroadcastChannel = undefined",
        "localStorage.setItem('resume-points:ann:v1', '{rubbish')",
        "navigator.locks.request = () => Promise.reject(new DOMException('no', 'SecurityError'))",
    ],
)
def test_rule_8_a_browser_that_forbids_something_still_saves(chromium, front, ann, breakage):
    context = chromium.new_context()
    page = context.new_page()
    page.add_init_script(breakage)
    page.goto(front.address + PAGE)
    page.wait_for_function("globalThis.player")
    page.evaluate(
        "async (token) => {"
        " await player.start({ token, videoId: 'v1', fake: { duration: 90 } });"
        " await player.watching.started; player.media.play(); player.media.advance(20);"
        " player.media.pause() }",
        token("ann"),
    )
    eventually(lambda: ann.position() == 20)

    assert page.evaluate("player.errors") == []
    context.close()


def test_rule_8_an_exception_of_fetch_or_token_reaches_neither_page_nor_player(tab):
    for options in (
        "{ url: '', token: () => { throw new Error('no token') } }",
        "{ url: '', token: () => Promise.reject(new Error('no token')) }",
        "{ url: '', token: () => null }",
        "{ url: '', token: it, fetch: () => { throw new Error('no fetch') } }",
        "{ url: 'http://not a url', token: it }",
    ):
        tab.do(
            f"const points = new player.ResumePoints({options});"
            " const other = new player.FakeMedia({ duration: 90 });"
            " const one = await points.watch(other, { videoId: 'v1' });"
            " await one.started; other.play(); other.advance(20); other.pause();"
            " await one.stop()",
            token("ann"),
        )

    assert tab.errors == []


def test_rule_9_the_token_is_only_in_the_header_and_never_in_storage(tab, front):
    front.fault = lambda request: DROP if request.is_save else PASS
    tab.start(SEA, live=True)
    tab.reaches(2)
    tab.do("media.pause()")
    tab.event("queued")
    secret = token("ann").split(".")[0]
    kept = tab.page.evaluate(
        "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"
    )

    assert "v1" in kept
    assert "ann" in kept
    assert secret not in kept
    for request in front.requests:
        assert secret not in request.path
        assert secret.encode() not in request.body
        assert request.headers["authorization"].startswith("Bearer ")


def test_rule_9_the_next_user_never_sends_the_queue_of_the_previous_one(
    new_tab, front, ann, service
):
    front.fault = lambda request: Answer(503) if request.is_save else PASS
    tab = new_tab()
    tab.start(fake={"duration": 90})
    tab.do("await watching.started; media.play(); media.advance(20); media.pause()")
    tab.event("queued")
    tab.close_undelivered()
    bobs = new_tab(beside=tab)
    bobs.start(fake={"duration": 90}, user="bob")
    bobs.do("await watching.started; media.play(); media.advance(10); media.pause()")
    bobs.event("saved")
    bobs.settled()

    assert all(save["userId"] == "bob" for save in front.sent)
    assert ann.position() is None
    anns = new_tab(beside=tab)
    anns.start(fake={"duration": 90}, videoId="another")
    eventually(lambda: ann.position() == 20)


def test_rule_9_the_token_is_renewed_before_it_ends(tab, front):
    now = int(time.time())
    tokens = [token("ann", iat=now, exp=now + 2 + 60 * number) for number in range(2)]
    tab.page.evaluate(
        """async (tokens) => {
            window.given = [];
            const token = () => { given.push(tokens[Math.min(given.length, 1)]); return given.at(-1) };
            const media = new player.FakeMedia({ duration: 900 });
            const watching = await new player.ResumePoints({ url: "", token })
                .watch(media, { videoId: "v1", live: false });
            await watching.started;
            media.play();
            for (let n = 0; n < 15; n++) {
                media.advance(6);
                await new Promise((done) => setTimeout(done, 200));
            }
        }""",
        tokens,
    )

    assert {each.status for each in front.saves} == {204}
    assert tab.page.evaluate("given.length") >= 2
    assert front.saves[-1].headers["authorization"] == f"Bearer {tokens[1]}"
