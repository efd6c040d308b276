"""The core path in Firefox and in WebKit, which differ in `pagehide`, `keepalive` and caching."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.eventually import eventually
from tests.support.player import firefox, webkit
from tests.support.player.front import DROP, PASS, Front
from tests.support.player.tab import PAGE
from tests.support.player.viewer import Viewer
from tests.support.tokens import token


@pytest.fixture(scope="module")
def webkit_port(tmp_path_factory):
    if reason := webkit.missing():
        pytest.skip(reason)
    with webkit.webkit_driver(tmp_path_factory.mktemp("webkit")) as port:
        yield port


@pytest.fixture
def in_webkit(webkit_port):
    opened = webkit.WebKit(webkit_port)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def running_firefox(tmp_path_factory):
    if reason := firefox.missing():
        pytest.skip(reason)
    opened = firefox.Firefox(tmp_path_factory.mktemp("firefox") / "log")
    yield opened
    opened.close()


def start(tab: Any, **options: Any) -> None:
    """Play a video of 90 s in the test page."""
    given = {"videoId": "v1", "live": False, "token": token(), "src": "/media/sea.webm"} | options
    tab.wait_for("globalThis.player !== undefined")
    tab.evaluate(f"player.start({json.dumps(given)}).then(() => null)")


def play(tab: webkit.WebKit, **options: Any) -> None:
    start(tab, paused=True, **options)
    tab.click("#play")


def test_webkit_resumes_saves_and_sends_the_last_position_of_a_left_page(in_webkit, front, ann):
    ann.save(40)
    in_webkit.goto(front.address + PAGE)
    play(in_webkit, every=2)
    in_webkit.wait_for("player.media.currentTime > 43")
    eventually(lambda: front.saves)
    left_at = in_webkit.evaluate("player.media.currentTime")
    in_webkit.goto(front.address + "/player/clocks.js")
    eventually(lambda: ann.position() > left_at - 0.5)

    assert all(save["currentTime"] > 40 for save in front.sent)
    assert ann.position() < left_at + 3


def test_webkit_sends_the_last_position_of_a_closed_tab(in_webkit, front, ann):
    in_webkit.new_window()
    in_webkit.goto(front.address + PAGE)
    play(in_webkit)
    in_webkit.wait_for("player.media.currentTime > 3")
    left_at = in_webkit.evaluate("player.media.currentTime")
    in_webkit.close_window()
    in_webkit.switch(0)
    eventually(lambda: (ann.position() or 0) > left_at - 0.5)


def test_webkit_delivers_the_queue_of_an_offline_page_at_the_next_start(in_webkit, front, ann):
    front.fault = lambda request: DROP if request.is_save else PASS
    in_webkit.goto(front.address + PAGE)
    play(in_webkit, every=2)
    in_webkit.wait_for("player.media.currentTime > 5")
    left_at = in_webkit.evaluate("player.media.currentTime")
    in_webkit.goto(front.address + "/player/clocks.js")
    front.always(PASS)
    in_webkit.goto(front.address + PAGE)
    start(in_webkit, videoId="another", paused=True)

    eventually(lambda: (ann.position() or 0) > left_at - 3)


def test_webkit_shows_a_change_of_another_device_at_once(in_webkit, front, ann):
    in_webkit.goto(front.address + PAGE)
    play(in_webkit, live=True)
    in_webkit.wait_for("player.media.currentTime > 1")
    ann.save(60, device="Living room TV")

    in_webkit.wait_for("player.log.some(({detail}) => detail?.device === 'Living room TV')")


def test_webkit_keeps_the_page_in_its_back_forward_cache_and_asks_on_the_return(
    in_webkit, front, ann
):
    """WebKit loads the media of such a page again, from its start."""
    in_webkit.goto(front.address + PAGE)
    play(in_webkit, live=True)
    _go_and_return(in_webkit, front, ann)


def test_firefox_keeps_the_page_in_its_back_forward_cache_and_asks_on_the_return(
    running_firefox, front, ann
):
    tab = running_firefox.open(front.address + PAGE)
    start(tab)
    _go_and_return(tab, front, ann)
    tab.close()


def _go_and_return(tab: Any, front: Front, ann: Viewer) -> None:
    tab.wait_for("player.media.currentTime > 3")
    tab.evaluate("void addEventListener('pageshow', ({persisted}) => { window.kept = persisted })")
    tab.goto(front.address + "/player/clocks.js")
    eventually(ann.position)
    ann.save(60)
    front.requests.clear()
    tab.back()
    tab.wait_for("window.kept === true")
    tab.wait_for("player.media.currentTime >= 60")

    asked = [each for each in front.requests if not each.is_stream]
    assert asked[0].method == "GET"
    assert ann.position() >= 60
    assert tab.evaluate("player.errors") == []


def test_firefox_loads_a_page_with_a_live_stream_again_and_asks(running_firefox, front, ann):
    """Firefox keeps no page with a stream that ends in `pagehide`. The position is right all the same."""
    tab = running_firefox.open(front.address + PAGE)
    start(tab, live=True)
    tab.wait_for("player.media.currentTime > 3")
    left_at = tab.evaluate("player.media.currentTime")
    tab.goto(front.address + "/player/clocks.js")
    eventually(ann.position)
    tab.back()
    start(tab, live=True)
    tab.wait_for("player.log.some(({type}) => type === 'resumed') || player.media.currentTime > 1")

    assert abs(ann.position() - left_at) < 1.5
    tab.close()


def test_firefox_saves_when_the_tab_is_closed(running_firefox, front, ann):
    tab = running_firefox.open(front.address + PAGE)
    start(tab)
    tab.wait_for("player.media.currentTime > 3")
    left_at = tab.evaluate("player.media.currentTime")
    tab.close()

    eventually(lambda: (ann.position() or 0) > left_at - 0.5)


def test_firefox_sends_the_queue_of_two_tabs_once(running_firefox, front, ann):
    front.fault = lambda request: DROP if request.is_save else PASS
    tabs = [running_firefox.open(front.address + PAGE) for _ in range(2)]
    for number, tab in enumerate(tabs):
        start(tab, videoId=f"v{number}", fake={"duration": 90})
        tab.evaluate(
            "(async () => { const { media, watching } = player; await watching.started;"
            " media.play(); media.advance(20); media.pause() })()"
        )
        tab.wait_for("player.log.some(({type}) => type === 'queued')")
    front.requests.clear()
    front.always(PASS)
    for tab in tabs:
        tab.evaluate("void setTimeout(() => dispatchEvent(new Event('online')), 200)")
    eventually(lambda: ann.position("v0") == ann.position("v1") == 20)
    for tab in tabs:
        tab.wait_for("Object.values({...localStorage}).length === 0")
        tab.close()

    assert sorted(save["videoId"] for save in front.sent) == ["v0", "v1"]
