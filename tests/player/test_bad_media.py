"""Media that fails, ends at once, or reports 0: the stored point never moves to the start."""

from __future__ import annotations

import random

import pytest

from tests.support.eventually import eventually
from tests.support.player.tab import SEA

MISFORTUNES = {
    "it never loads": "media.say('error'); media.say('emptied')",
    "it ends at once": "media.load(90); media.play(); media.end()",
    "it ends at once at 0": "media.load(0); media.play(); media.report(0); media.end()",
    "its length is unknown, then endless": (
        "media.play(); media.advance(2); media.load(Infinity); media.advance(20); media.pause()"
    ),
    "its length is first endless, then known": (
        "media.load(Infinity); media.play(); media.advance(0.5); media.load(90); media.advance(0.5)"
    ),
    "a new source reports 0": (
        "media.load(90); media.play(); media.advance(0.75); await pause(30); media.say('emptied');"
        " media.duration = NaN; media.report(0); media.say('pause'); media.load(90);"
        " media.report(0); media.say('seeking'); media.say('seeked'); media.say('timeupdate')"
    ),
    "it reports 0 while it plays": (
        "media.load(90); media.play(); media.advance(2); media.report(0); media.say('pause')"
    ),
    "its seek falls back to 0": (
        "media.load(90); media.play(); await pause(40); media.report(0); media.say('pause')"
    ),
}


@pytest.mark.soak
def test_bad_media_never_move_the_stored_point_to_0(new_tab, ann, front, effort):
    """The misfortunes in random order and at random moments, in 200 tries in the long version."""
    tab = new_tab()
    tab.page.evaluate("window.pause = (time) => new Promise((done) => setTimeout(done, time))")
    for number in range(effort(24, 200)):
        video = f"v{number}"
        stored = random.uniform(10, 75)
        ann.save(stored, video)
        names = random.sample(sorted(MISFORTUNES), random.randint(1, 3))
        if number < len(MISFORTUNES):
            names = [sorted(MISFORTUNES)[number]]
        tab.start(fake={"duration": None}, videoId=video, paused=True, every=1)
        tab.do("media.duration = NaN")
        for name in names:
            if random.random() < 0.5:
                tab.do("await Promise.race([watching.started, pause(20)])")
            tab.do(MISFORTUNES[name])
        tab.do("dispatchEvent(new Event('pagehide')); dispatchEvent(new Event('pageshow'))")
        tab.do("await watching.stop()")

        position = ann.position(video)
        assert position >= 5, f"{names}: {stored} -> {position}"


@pytest.mark.parametrize("src", ["/media/no-such-file.webm", "/player/player.js"])
def test_a_video_that_can_not_be_loaded_moves_nothing(tab, front, ann, src):
    ann.save(40)
    tab.start(src)
    eventually(lambda: [each for each in tab.log if each["type"] == "error"])
    tab.reload()

    assert not front.saves
    assert ann.position() == 40


def test_a_switch_of_the_source_moves_nothing_back(tab, front, ann):
    ann.save(40)
    tab.start(SEA, every=1)
    tab.reaches(42.5)
    eventually(lambda: front.saves)
    tab.do("media.src = '/media/dusk.webm'; await media.play(); media.pause()")
    tab.settled()
    tab.reload()

    assert ann.position() > 40
    assert all(save["currentTime"] > 40 for save in front.sent)
