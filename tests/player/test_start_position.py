"""Rule 1: no save before the start position is decided."""

from __future__ import annotations

import time

import pytest

from tests.support.eventually import eventually
from tests.support.player.front import DROP, HANG, PASS
from tests.support.player.tab import SEA


def test_rule_1_playback_goes_on_at_the_stored_position(tab, ann):
    ann.save(40)
    tab.start(SEA)
    tab.reaches(41)

    assert tab.event("resumed") == {"from": 40}
    assert 41 <= tab.time < 46


def test_rule_1_nothing_is_saved_until_the_position_is_known_and_reached(tab, front, ann):
    ann.save(40)
    hold = time.monotonic() + 1.5
    front.fault = lambda request: PASS if request.is_save else _after(hold)
    tab.start(SEA, every=1)
    tab.reaches(43)
    eventually(lambda: front.saves)

    assert front.requests[0].method == "GET"
    assert front.saves[0].at > hold
    assert min(save["currentTime"] for save in front.sent) > 40


@pytest.mark.parametrize("stored", [3, 4.9, 82, 85.5, 90])
def test_rule_1_a_point_near_the_start_or_the_end_starts_at_0(tab, ann, stored):
    ann.save(stored)
    tab.start(SEA)
    tab.reaches(0.5)

    assert tab.time < 3
    assert not tab.events("resumed")


@pytest.mark.parametrize("fault", [DROP, HANG])
def test_rule_1_an_unknown_point_lets_saves_begin_after_5_s_of_playback(tab, front, ann, fault):
    ann.save(40)
    front.fault = lambda request: PASS if request.is_save else fault
    tab.start(SEA, every=1)
    tab.reaches(0.2)
    eventually(lambda: front.saves)

    assert front.sent[0]["currentTime"] >= 5


def test_rule_1_a_player_that_fails_at_0_overwrites_nothing(tab, front, ann):
    ann.save(40)
    tab.start("/media/no-such-file.webm")
    eventually(lambda: any(each["type"] == "error" for each in tab.log))
    tab.do("media.pause(); dispatchEvent(new Event('pagehide'))")
    tab.page.close()

    assert not front.saves
    assert ann.position() == 40


def test_rule_1_a_seek_by_hand_wins_over_the_stored_position(tab, front, ann):
    ann.save(40)
    hold = time.monotonic() + 1.5
    front.fault = lambda request: PASS if request.is_save else _after(hold)
    tab.start(SEA)
    tab.reaches(0.1)
    tab.do("media.currentTime = 60")
    tab.reaches(60.2)
    eventually(lambda: [each for each in front.requests if each.method == "GET" and each.status])
    tab.settled()

    assert 60 < tab.time < 70
    assert not tab.events("resumed")
    eventually(lambda: (ann.position() or 0) > 59)


def test_rule_1_the_viewer_is_asked_and_nothing_is_saved_until_the_answer(tab, front, ann):
    ann.save(40, device="Living room TV")
    tab.start(SEA, resume="ask", every=1)
    question = tab.event("ask")
    tab.reaches(2.5)

    assert question == {"currentTime": 40, "device": "Living room TV"}
    assert not front.saves
    tab.page.evaluate("player.question.resume()")
    tab.reaches(42)
    eventually(lambda: front.saves)
    assert front.sent[0]["currentTime"] > 40


def _after(moment: float) -> str:
    eventually(lambda: time.monotonic() > moment)
    return PASS
