"""Two windows of one viewer: what one plays, the other shows and continues."""

from __future__ import annotations

import time

import pytest

from tests.support.eventually import eventually
from tests.support.player.tab import SEA


def test_the_other_window_shows_the_position_within_a_second_and_continues_there(new_tab, ann):
    here, there = new_tab(), new_tab()
    there.start(SEA, videoId="v1", live=True, paused=True)
    here.start(SEA, live=True)
    here.reaches(1)
    here.do("media.currentTime = 38")
    here.reaches(40)
    here.do("media.pause()")
    paused_at = here.time
    started = time.monotonic()
    shown = pytest.approx(paused_at, abs=0.001)
    eventually(lambda: [each["currentTime"] for each in there.events("elsewhere")][-1:] == [shown])

    assert time.monotonic() - started < 1
    third = new_tab()
    third.start(SEA)
    assert abs(third.event("resumed")["from"] - paused_at) <= 0.01
    assert abs(third.do("await watching.started") - 40) <= 1
