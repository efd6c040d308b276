"""Rule 7: one live stream for each browser, only while the page is visible or playing."""

from __future__ import annotations

import time

from tests.support.eventually import eventually
from tests.support.player.front import Front
from tests.support.player.plain_chromium import start
from tests.support.player.tab import PAGE, SEA


def streams(front: Front) -> int:
    """Streams that are open now."""
    return sum(each.is_stream and each.ended_at is None for each in front.requests)


def test_rule_7_seven_tabs_have_one_stream_and_their_saves_arrive_within_a_second(
    new_tab, front, ann
):
    """HTTP/1.1 has six connections for a host: with a stream each, no save would get one."""
    tabs = [new_tab()]
    tabs += [new_tab(beside=tabs[0]) for _ in range(6)]
    for number, tab in enumerate(tabs):
        tab.start(SEA, videoId=f"v{number}", live=True, paused=True)
        tab.do("await watching.started")
    eventually(lambda: streams(front))
    for number, tab in enumerate(tabs):
        tab.do("await media.play()")
        tab.reaches(1.5)
        tab.do("media.pause()")
        paused = time.monotonic()
        eventually(lambda video=f"v{number}": ann.position(video) is not None)
        assert time.monotonic() - paused < 1

    assert streams(front) == 1
    ann.save(77, "v3")
    assert tabs[3].event("elsewhere")["currentTime"] == 77


def test_rule_7_another_tab_takes_the_stream_over(new_tab, front, ann):
    one = new_tab()
    two = new_tab(beside=one)
    for number, tab in enumerate((one, two)):
        tab.start(SEA, videoId=f"v{number}", live=True, paused=True)
        tab.do("await watching.started")
        eventually(lambda: streams(front) == 1)
    one.page.close()
    eventually(lambda: streams(front) == 1 and front.requests[-1].is_stream)
    ann.save(50, "v1")

    assert two.event("elsewhere")["currentTime"] == 50


def test_rule_7_a_hidden_page_has_a_stream_only_while_it_plays(plain_chromium, front, ann):
    browser = plain_chromium()
    tab = browser.open(front.address + PAGE)
    start(tab, live=True)
    tab.wait_for("player.media.currentTime > 1")
    eventually(lambda: streams(front) == 1)
    blank = browser.open("about:blank")
    tab.wait_for("document.hidden && player.media.currentTime > 2")
    assert streams(front) == 1
    tab.evaluate("player.media.pause()")
    eventually(lambda: streams(front) == 0)
    blank.close()
    tab.to_front()
    eventually(lambda: streams(front) == 1)

    ann.save(50)
    tab.wait_for("player.log.some(({type}) => type === 'elsewhere')")


def test_rule_7_the_stream_ends_when_the_page_is_left_and_opens_on_its_return(
    plain_chromium, front
):
    tab = plain_chromium().open(front.address + PAGE)
    start(tab, live=True)
    eventually(lambda: streams(front) == 1)
    tab.goto(front.address + "/player/clocks.js")
    eventually(lambda: streams(front) == 0)
    tab.send("Runtime.evaluate", expression="history.back()")

    eventually(lambda: streams(front) == 1)


def test_rule_7_the_stream_comes_back_after_1_to_5_s(tab, front, ann):
    tab.start(SEA, live=True, paused=True)
    tab.do("await watching.started")
    eventually(lambda: streams(front) == 1)
    tab.settled()  # the stream has its response: Chromium repeats a request without one
    front.cut_streams()
    ann.save(50)
    eventually(lambda: sum(each.is_stream for each in front.requests) == 2)
    first, second = (each for each in front.requests if each.is_stream)

    assert 0.9 < second.at - first.ended_at < 6
    assert tab.event("elsewhere")["currentTime"] == 50
