"""Rules 5 and 6: the age of a save by two clocks, and the question for the point on each return."""

from __future__ import annotations

import itertools
import threading
from datetime import datetime, timedelta

import pytest

from tests.support.eventually import eventually
from tests.support.player.front import DROP, PASS
from tests.support.player.plain_chromium import start
from tests.support.player.tab import PAGE, SEA

HOUR = 3_600_000
TV = {"device": "Living room TV"}


def measured_at(point: dict[str, str]) -> datetime:
    return datetime.fromisoformat(point["updatedAt"])


@pytest.mark.parametrize(
    ("wall", "steady", "age"),
    [
        pytest.param(8 * HOUR, 0, 8 * HOUR, id="asleep"),
        pytest.param(-8 * HOUR, 5 * 60_000, 5 * 60_000, id="wall clock set back"),
        pytest.param(40 * 24 * HOUR, 60_000, 60_000, id="wall clock set 40 days ahead"),
    ],
)
def test_rule_5_the_age_is_the_greater_of_both_clocks_if_possible(tab, front, wall, steady, age):
    front.fault = lambda request: DROP if request.is_save else PASS
    tab.start(fake={"duration": 90})
    tab.do("await watching.started; media.play(); media.advance(20); media.pause()")
    tab.event("queued")
    front.always(PASS)
    front.requests.clear()
    tab.page.evaluate(
        "([wall, steady]) => { offsets.wall += wall; offsets.steady += steady;"
        " dispatchEvent(new Event('online')) }",
        [wall, steady],
    )
    eventually(lambda: front.sent)

    assert age <= front.sent[0]["ageMs"] < age + 20_000


@pytest.mark.parametrize("resume", ["seek", "ask"])
def test_rule_6_a_slept_laptop_asks_again_and_leaves_the_televisions_position(
    tab, front, ann, resume
):
    """It plays when it falls asleep. `performance.now()` has stopped in these eight hours."""
    tab.start(SEA, resume=resume)
    tab.reaches(6)
    front.fault = lambda request: DROP if request.is_save else PASS
    tab.do("media.pause()")
    eventually(lambda: tab.events("queued"))
    tab.do("await media.play()")
    television_is_saved = threading.Event()
    front.fault = lambda _: PASS if television_is_saved.wait(10) else DROP
    front.requests.clear()
    tab.page.evaluate("sleepLaptop(8)")
    ann.save(60, **TV)
    television_is_saved.set()
    if resume == "seek":
        tab.reaches(61)
        assert tab.events("resumed")[-1] == {"from": 60}
    else:
        assert tab.event("elsewhere") == {"currentTime": 60, **TV}

    requests = list(front.requests)
    before = itertools.takewhile(lambda request: request.method != "GET", requests)
    assert [each for each in requests if each.method == "GET"]
    assert all(save["ageMs"] > 7 * HOUR for request in before for save in request.saves)
    if resume == "seek":
        fresh = [save for save in front.sent if save["ageMs"] < 7 * HOUR]
        assert all(save["currentTime"] >= 60 for save in fresh)
        assert ann.position() >= 60


def test_rule_6_a_save_from_before_the_sleep_does_not_move_the_television(tab, front, ann):
    tab.start(SEA)
    tab.reaches(4)
    front.fault = lambda request: DROP if request.is_save else PASS
    tab.do("media.pause()")
    tab.event("queued")
    tab.page.evaluate("sleepLaptop(8)")
    ann.save(60, **TV)
    front.always(PASS)
    tab.page.evaluate("dispatchEvent(new Event('online'))")
    eventually(lambda: tab.events("saved"))

    assert tab.events("saved")[-1] == {"applied": False}
    assert ann.position() == 60


@pytest.mark.parametrize("is_asleep", [False, True], ids=["after a pause", "after sleep"])
def test_rule_6_an_address_that_is_renewed_after_a_break_moves_no_other_device(
    tab, front, ann, is_asleep
):
    """The player loads the film again, and seeks to where it was."""
    tab.start(SEA)
    tab.reaches(6)
    tab.do("media.pause()")
    eventually(lambda: tab.events("saved"))
    if is_asleep:
        tab.do("await media.play()")
    ann.save(60, **TV)
    tab.page.evaluate("sleepLaptop(8, 100)")
    tab.do(
        "const at = media.currentTime; media.src = it;"
        " media.addEventListener('loadedmetadata', () => { media.currentTime = at }, {once: true});"
        " await media.play()",
        f"{SEA}?signature=2",
    )
    tab.reaches(68)

    assert ann.position() >= 60
    tab.do("media.pause()")
    eventually(lambda: ann.position() == pytest.approx(tab.time, abs=0.05))


@pytest.mark.parametrize("resume", ["seek", "ask"])
def test_rule_6_after_61_s_of_pause_the_point_is_asked_for_before_any_save(tab, front, ann, resume):
    tab.start(SEA, resume=resume, every=1)
    tab.reaches(3)
    tab.do("media.pause()")
    eventually(lambda: ann.position() == round(tab.time, 3))
    ann.save(60, **TV)
    front.requests.clear()
    tab.page.evaluate("passTime(61_000)")
    tab.do("await media.play()")
    if resume == "seek":
        tab.reaches(62)
        eventually(lambda: front.saves)
        assert front.sent[0]["currentTime"] > 60
    else:
        assert tab.event("elsewhere") == {"currentTime": 60, **TV}

    assert front.requests[0].method == "GET"


def test_rule_6_a_short_pause_asks_for_nothing(tab, front):
    tab.start(SEA)
    tab.reaches(2)
    tab.do("media.pause()")
    front.requests.clear()
    tab.page.evaluate("passTime(50_000)")
    tab.do("await media.play()")
    tab.reaches(3)

    assert not [each for each in front.requests if each.method == "GET"]


def test_rule_6_after_61_s_hidden_the_point_is_asked_for(plain_chromium, front, ann):
    browser = plain_chromium()
    tab = browser.open(front.address + PAGE)
    start(tab, every=1)
    tab.wait_for("player.media.currentTime > 3")
    tab.evaluate("player.media.pause()")
    eventually(ann.position)
    other = browser.open("about:blank")
    tab.wait_for("document.hidden")
    ann.save(60, **TV)
    tab.evaluate("passTime(61_000)")
    front.requests.clear()
    other.close()
    tab.to_front()
    eventually(lambda: front.requests)
    tab.wait_for("player.media.currentTime === 60")

    assert front.requests[0].method == "GET"
    assert ann.position() == 60


def test_rule_6_the_page_is_kept_in_the_back_forward_cache_and_asks_on_its_return(
    plain_chromium, front, ann
):
    tab = plain_chromium().open(front.address + PAGE)
    start(tab, live=True)
    tab.wait_for("player.media.currentTime > 3")
    tab.evaluate(
        "window.isTheSame = true; addEventListener('pageshow', (event) => { kept = event.persisted })"
    )
    tab.goto(front.address + "/player/clocks.js")
    eventually(ann.position)
    ann.save(60, **TV)
    front.requests.clear()
    tab.send("Runtime.evaluate", expression="history.back()")
    tab.wait_for("window.kept === true && isTheSame")
    eventually(lambda: front.requests)
    tab.wait_for("player.media.currentTime >= 60")

    assert tab.evaluate("player.errors") == []
    asked = [each for each in front.requests if not each.is_stream]
    assert asked[0].method == "GET"
    assert ann.position() >= 60


def test_offline_for_10_minutes_each_newest_position_arrives_once_with_its_time(
    new_tab, front, ann
):
    """Two tabs play for 10 min without the service; one is reloaded in between."""
    front.fault = lambda request: DROP if request.is_save else PASS
    one = new_tab()
    two = new_tab(beside=one)
    ten_minutes = (
        "await watching.started; media.play();"
        " for (let n = 0; n < it; n++) { media.advance(10, (step) => passTime(step * 1000));"
        " await new Promise((done) => setTimeout(done, 20)); }"
    )
    for tab, video in ((one, "v1"), (two, "v2")):
        tab.start(fake={"duration": 3600}, videoId=video)
        tab.do(ten_minutes, 30)
    one.reload()
    one.start(fake={"duration": 3600}, videoId="v1")
    one.do("await watching.started; media.load(3600)")
    started_at = one.time
    one.do(ten_minutes + " media.pause()", 30)
    measured = datetime.now().astimezone()
    two.do(ten_minutes + " media.pause()", 30)
    wait = 120_000
    for tab in (one, two):
        tab.settled()
        tab.page.evaluate("(wait) => passTime(wait)", wait)
    front.requests.clear()
    front.always(PASS)
    two.page.evaluate("dispatchEvent(new Event('online'))")
    eventually(lambda: ann.position("v1") and ann.position("v2"))
    for tab in (one, two):
        tab.page.evaluate("dispatchEvent(new Event('online'))")
        tab.settled()

    assert started_at == pytest.approx(300, abs=1)
    assert ann.position("v2") == 600
    assert ann.position("v1") == pytest.approx(600, abs=1)
    assert sorted(save["videoId"] for save in front.sent) == ["v1", "v2"]
    expected = measured - timedelta(milliseconds=wait)
    for video in ("v1", "v2"):
        assert abs(measured_at(ann.point(video)) - expected) < timedelta(seconds=10)
