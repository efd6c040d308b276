"""A page that ends while it plays loses at most `every` and a second, also without a network."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable

import pytest

from tests.support.eventually import eventually
from tests.support.player.front import DROP, PASS, Front
from tests.support.player.plain_chromium import PlainChromium, PlainTab, start
from tests.support.player.tab import PAGE
from tests.support.player.viewer import Viewer

EVERY = 2
DECIDED = 3.5
"""Seconds after which a first save was due: `EVERY`, after the first second."""


def close_tab(browser: PlainChromium, tab: PlainTab) -> None:
    browser.open("about:blank")  # a browser without a tab ends
    tab.close()


def close_browser(browser: PlainChromium, tab: PlainTab) -> None:
    browser.close()


def kill_browser(browser: PlainChromium, tab: PlainTab) -> None:
    browser.kill()


def hide_and_kill(browser: PlainChromium, tab: PlainTab) -> None:
    """As on a phone: another app comes to the front, and the system ends the browser later."""
    browser.open("about:blank")
    tab.wait_for("document.hidden")
    browser.kill()


ENDS = [close_tab, close_browser, kill_browser, hide_and_kill]


@pytest.mark.soak
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("network", ["online", "offline"])
def test_at_most_every_and_a_second_are_lost(plain_chromium, front, ann, effort, *, end, network):
    for number in range(effort(1, 50)):
        lost = _loss(plain_chromium, front, ann, end, f"{network}-{number}")
        assert lost <= EVERY + 1, f"try {number}: {lost:.1f} s lost"


def _loss(
    plain_chromium: Callable[[], PlainChromium],
    front: Front,
    ann: Viewer,
    end: Callable[[PlainChromium, PlainTab], None],
    video: str,
) -> float:
    """Play a random time, end it, and start again. Returns the seconds that were lost."""
    browser = plain_chromium()
    tab = browser.open(front.address + PAGE)
    start(tab, videoId=video, every=EVERY)
    tab.wait_for("player.media.currentTime > 0.5")
    is_offline = video.startswith("offline")
    front.fault = lambda request: DROP if is_offline and request.is_save else PASS
    tab.wait_for(f"player.media.currentTime > {DECIDED + random.random() * 3}")
    left_at = float(tab.evaluate("player.media.currentTime"))
    end(browser, tab)
    if is_offline:
        browser.close()
        front.always(PASS)
        browser = plain_chromium()
        tab = browser.open(front.address + PAGE)
        start(tab, videoId="another", paused=True)
    # A page that is killed sends nothing more, so there is nothing to wait for in that case.
    with contextlib.suppress(AssertionError):  # the test states how much was lost
        eventually(lambda: left_at - (ann.position(video) or 0) <= EVERY + 1, within=10)
    browser.close()
    return left_at - (ann.position(video) or 0)
