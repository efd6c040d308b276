"""What was answered 204 is kept, whoever is killed and when; and nothing else appears."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import pytest

from tests.support.eventually import eventually
from tests.support.gunicorn_workers import wait_for_workers, workers
from tests.support.load_clients import BROKEN, Answer, Viewer, under_load

THREADS = 6
VIDEOS = 3
MONTH = 30 * 24 * 3600


@dataclass
class Watching:
    """A user who watches several videos, and what the service said about each."""

    viewer: Viewer
    sent: dict[str, int] = field(default_factory=dict)
    """The last position sent, answered or not; they only grow."""
    kept: dict[str, int] = field(default_factory=dict)
    """The last position acknowledged as applied."""
    unexpected: list[Answer] = field(default_factory=list)

    def save_next(self) -> None:
        video = f"v{sum(self.sent.values()) % VIDEOS}"
        position = self.sent[video] = self.sent.get(video, 0) + 1
        try:
            answer = self.viewer.save(video, position)
        except BROKEN:
            return
        if answer.status == 204 and answer.headers["Resume-Applied"] == "true":
            self.kept[video] = position
        elif answer.status != 503:
            self.unexpected.append(answer)


@pytest.fixture
def watching(stand) -> list[Watching]:
    return [Watching(stand.viewer(f"user-{number}")) for number in range(THREADS)]


def lost_or_invented(client, watching: list[Watching]) -> list[str]:
    """Points below the last acknowledged position, or beyond the last sent."""
    faults = []
    for each in watching:
        for video, sent in each.sent.items():
            least = each.kept.get(video, 0)
            stored = int(client.hget(f"resume:{each.viewer.user}:{video}", "currentTime") or 0)
            if not least <= stored <= sent:
                faults.append(f"{each.viewer.user} {video}: {least} <= {stored} <= {sent}")
    return faults


def half_written(client) -> list[str]:
    """Hashes without an index entry of the same time, entries without a hash, wrong expiries."""
    hashes = {}
    for key in client.scan_iter("resume:*"):
        _, user, video = key.split(":")
        updated_at = datetime.fromisoformat(client.hget(key, "updatedAt"))
        hashes[user, video] = round(updated_at.timestamp() * 1000)
    entries = {
        (key.split(":")[1], video): ms
        for key in client.scan_iter("recent:*")
        for video, ms in client.zrange(key, 0, -1, withscores=True)
    }
    faults = [f"only one of hash and index: {point}" for point in hashes.keys() ^ entries.keys()]
    faults += [
        f"hash and index differ: {point}"
        for point in hashes.keys() & entries.keys()
        if hashes[point] != entries[point]
    ]
    faults += [
        f"expires wrongly: {key}"
        for key in client.scan_iter()
        if not MONTH - 3600 < client.ttl(key) <= MONTH
    ]
    return faults


def acknowledged(watching: list[Watching]) -> int:
    return sum(sum(each.kept.values()) for each in watching)


def kill_repeatedly(times: int, kill: Callable[[], None], watching: list[Watching]) -> None:
    """Kill under load, each time after a few more saves and at no particular moment."""
    with under_load(THREADS, lambda number: watching[number].save_next()):
        for _ in range(times):
            enough = acknowledged(watching) + THREADS
            eventually(lambda enough=enough: acknowledged(watching) > enough, within=30)
            time.sleep(random.uniform(0, 0.1))  # the moment is the variable, not a wait
            kill()


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_killing_redis_under_load_loses_no_acknowledged_save(stand, watching, effort):
    def kill() -> None:
        stand.redis.kill()
        stand.redis.start()

    kill_repeatedly(effort(10, 200), kill, watching)
    client = stand.redis.client

    assert lost_or_invented(client, watching) == []
    assert half_written(client) == []
    assert [each.unexpected for each in watching if each.unexpected] == []


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_killing_workers_under_load_loses_no_acknowledged_save(stand, watching, effort):
    def kill() -> None:
        victim = random.choice(sorted(wait_for_workers(stand.service, 2)))
        os.kill(victim, signal.SIGKILL)
        eventually(lambda: len(workers(stand.service) - {victim}) == 2)

    kill_repeatedly(effort(10, 100), kill, watching)
    client = stand.redis.client

    assert lost_or_invented(client, watching) == []
    assert half_written(client) == []
    assert [each.unexpected for each in watching if each.unexpected] == []
