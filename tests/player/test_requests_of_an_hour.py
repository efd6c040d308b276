"""How many requests an hour of playing needs: the README of the package names these numbers."""

from __future__ import annotations

from collections import Counter

from tests.support.player.front import Request

HOUR = 3600
PLAY_AN_HOUR = """
    await watching.started;
    media.play();
    media.say("timeupdate");
    for (let seconds = 0; seconds < it; seconds += 5) {
        const saved = new Promise((done) => watching.addEventListener("saved", done, { once: true }));
        media.advance(5, (step) => passTime(1000 * step));
        await saved;
    }
"""


def kind(request: Request) -> str:
    if request.is_stream:
        return "live stream"
    return "save" if request.is_save else f"{request.method} {request.path}"


def test_an_hour_of_playing_needs_720_saves_and_two_more_requests(new_tab, front):
    tab = new_tab()
    tab.start(fake={"duration": 2 * HOUR}, paused=True, live=True)
    tab.do(PLAY_AN_HOUR, HOUR)

    assert tab.time == HOUR
    assert Counter(map(kind, front.requests)) == {
        "save": 720,
        "GET /api/progress/ann/v1": 1,
        "live stream": 1,
    }
