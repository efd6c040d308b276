"""Rules 3 and 4: one request in flight, stored before sent, delivered later."""

from __future__ import annotations

import json
import threading

import pytest

from tests.support.eventually import eventually
from tests.support.player.front import DROP, LOSE, PASS, Answer, Request
from tests.support.player.tab import Tab
from tests.support.tokens import token


def play(tab: Tab, seconds: float, video: str = "v1", **options: object) -> None:
    """Play `seconds` of a media of 90 s in no time, then pause, which saves."""
    tab.start(fake={"duration": 90}, videoId=video, **options)
    tab.do("await watching.started; media.play(); media.advance(it); media.pause()", seconds)


def stored(tab: Tab) -> dict[str, str]:
    """What the package keeps in the storage, without its locks."""
    entries = tab.page.evaluate("({...localStorage})")
    return {key: text for key, text in entries.items() if "currentTime" in text}


class Gate:
    """Holds saves back until it is opened."""

    def __init__(self) -> None:
        self.waiting = self.most = 0
        self._open = threading.Event()
        self._lock = threading.Lock()

    def __call__(self, request: Request) -> str:
        if not request.is_save:
            return PASS
        with self._lock:
            self.waiting += 1
            self.most = max(self.most, self.waiting)
        self._open.wait(20)
        with self._lock:
            self.waiting -= 1
        return PASS

    def open(self) -> None:
        self._open.set()


def test_rule_3_one_save_is_in_flight_and_only_the_newest_waits(tab, front, ann):
    front.fault = gate = Gate()
    play(tab, 5)
    eventually(lambda: gate.waiting == 1)
    tab.do("media.play(); media.advance(30); media.pause()")
    tab.settled(waiting=1)
    assert gate.waiting == 1
    gate.open()
    eventually(lambda: ann.position() == 35)

    assert [save["currentTime"] for save in front.sent] == [5, 35]
    assert gate.most == 1


def test_rule_4_a_save_is_stored_before_it_is_sent_and_removed_after_the_response(tab, front):
    front.fault = gate = Gate()
    play(tab, 5)
    eventually(lambda: gate.waiting)
    [text] = stored(tab).values()

    assert json.loads(text)["currentTime"] == 5
    gate.open()
    eventually(lambda: not stored(tab))


def test_rule_4_a_save_with_a_lost_response_is_sent_again(tab, front, ann):
    lost = []
    front.fault = lambda request: (
        LOSE if request.is_save and not lost.append(1) and len(lost) == 1 else PASS
    )
    play(tab, 5)
    eventually(lambda: len(front.saves) == 2)
    eventually(lambda: not stored(tab))

    assert ann.position() == 5


def test_rule_4_the_next_start_sends_the_newest_save_of_each_video_in_one_batch(
    new_tab, front, ann
):
    front.fault = lambda request: Answer(503) if request.is_save else PASS
    tab = new_tab()
    for video, seconds in (("v1", 20), ("v2", 30), ("v3", 40)):
        play(tab, seconds, video)
        eventually(lambda: front.saves)
        tab.do("await watching.stop()")
    tab.close_undelivered()
    later = new_tab(beside=tab)
    play(later, 0, "v4")
    eventually(lambda: ann.position("v3") == 40)

    assert [ann.position(video) for video in ("v1", "v2", "v3")] == [20, 30, 40]
    assert [request.path for request in front.saves] == ["/api/progress/batch"]
    eventually(lambda: not stored(later))


def test_rule_4_the_queue_is_sent_when_the_network_is_back(tab, front, ann):
    play(tab, 1)
    tab.page.context.set_offline(True)
    tab.do("media.play(); media.advance(20); media.pause()")
    tab.event("queued")
    tab.page.context.set_offline(False)

    assert eventually(lambda: ann.position() is not None) < 1
    assert ann.position() >= 20


def test_rule_4_retry_after_is_honoured(tab, front):
    front.fault = lambda request: (
        Answer(503, headers={"Retry-After": "3"})
        if request.is_save and len(front.saves) == 1
        else PASS
    )
    play(tab, 6)
    eventually(lambda: len(front.saves) == 1)
    tab.do(
        "media.play(); for (let n = 0; n < 6; n++) { media.advance(6); window.dispatchEvent(new Event('online')) }"
    )
    eventually(lambda: len(front.saves) == 2)

    first, second = front.saves
    assert second.at - first.at >= 3


def test_rule_4_a_hidden_page_sends_at_most_48_kib(tab, front):
    front.fault = lambda request: Answer(503) if request.is_save else PASS
    tab.start(fake={"duration": 90}, videoId="first")
    tab.page.evaluate(
        """async (token) => {
            for (let n = 0; n < 100; n++) {
                const media = new player.FakeMedia({ duration: 90 });
                const videoId = `${n}`.padEnd(128, "日本語");
                const watching = await player.points(token).watch(media, { videoId, live: false });
                await watching.started;
                media.play();
                media.advance(3);
                media.pause();
            }
        }""",
        token("ann"),
    )
    front.requests.clear()
    tab.page.evaluate("dispatchEvent(new Event('pagehide'))")
    eventually(lambda: front.saves)

    assert all(len(request.body) <= 48 * 1024 for request in front.saves)
    assert sum(len(request.body) for request in front.saves) <= 64 * 1024
    assert len(front.sent) > 40


@pytest.mark.parametrize("host", ["127.0.0.1", "insecure.test"])
def test_rule_4_two_tabs_send_a_queue_once(new_tab, front, ann, host):
    """The second host is no secure context: there are no Web Locks."""
    front.host = host
    front.fault = lambda request: DROP if request.is_save else PASS
    one = new_tab()
    two = new_tab(beside=one)
    assert one.page.evaluate("isSecureContext") == (host == "127.0.0.1")
    for tab, video in ((one, "v1"), (two, "v2")):
        play(tab, 20, video)
        tab.event("queued")
    front.requests.clear()
    front.fault = gate = Gate()
    for tab in (one, two):
        tab.page.evaluate("dispatchEvent(new Event('online'))")
        eventually(lambda: front.saves)
        tab.settled(waiting=1)
    gate.open()
    eventually(lambda: ann.position("v1") == ann.position("v2") == 20)
    eventually(lambda: not stored(one))
    for tab in (one, two):
        tab.page.evaluate("dispatchEvent(new Event('online'))")
        tab.settled()

    assert sorted(save["videoId"] for save in front.sent) == ["v1", "v2"]


def test_rule_4_an_unauthorized_save_asks_for_the_token_once_more_and_stays_in_the_queue(
    tab, front
):
    front.fault = lambda request: Answer(401) if request.is_save else PASS
    tab.page.evaluate(
        """async (token) => {
            window.asked = 0;
            const points = new player.ResumePoints({ url: "", token: () => { asked++; return token } });
            const media = new player.FakeMedia({ duration: 90 });
            const watching = await points.watch(media, { videoId: "v1", live: false });
            window.refused = [];
            watching.addEventListener("refused", ({ detail }) => refused.push(detail));
            await watching.started;
            window.before = asked;
            media.play();
            media.advance(6);
        }""",
        token("ann"),
    )
    tab.page.wait_for_function("refused.length")

    assert tab.page.evaluate("asked - before") == 1
    assert tab.page.evaluate("refused") == [{"status": 401, "error": "made up"}]
    assert len(front.saves) <= 2
    assert len(stored(tab)) == 1


@pytest.mark.parametrize("status", [400, 403, 404, 413, 422])
def test_rule_4_a_refused_save_is_dropped(tab, front, status):
    front.fault = lambda request: Answer(status) if request.is_save else PASS
    play(tab, 5)

    assert tab.event("refused") == {"status": status, "error": "made up"}
    assert len(front.saves) == 1
    assert not stored(tab)
