"""Each save answered with 204 survives a kill of any process. No other point appears."""

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
from tests.support.load_clients import CONNECTION_ERRORS, Response, Viewer, under_load

THREADS = 6
VIDEOS = 3
HOUR = 3600
MONTH = 30 * 24 * HOUR


@dataclass
class SavingUser:
    """A user who watches several videos, and the result of each save."""

    viewer: Viewer
    sent: dict[str, int] = field(default_factory=dict)
    """The last position sent for each video. Positions only grow."""
    acknowledged: dict[str, int] = field(default_factory=dict)
    """The last position acknowledged as applied, for each video."""
    unexpected: list[Response] = field(default_factory=list)

    def save_next(self) -> None:
        video = f"v{sum(self.sent.values()) % VIDEOS}"
        position = self.sent[video] = self.sent.get(video, 0) + 1
        try:
            response = self.viewer.save(video, position)
        except CONNECTION_ERRORS:
            return
        if response.status == 204 and response.headers["Resume-Applied"] == "true":
            self.acknowledged[video] = position
        elif response.status != 503:
            self.unexpected.append(response)


@pytest.fixture
def users(stack) -> list[SavingUser]:
    return [SavingUser(stack.viewer(f"user-{number}")) for number in range(THREADS)]


def lost_or_invented(client, users: list[SavingUser]) -> list[str]:
    """Points below the last acknowledged position or above the last sent one."""
    faults = []
    for each in users:
        for video, sent in each.sent.items():
            least = each.acknowledged.get(video, 0)
            stored = int(client.hget(f"resume:{each.viewer.user}:{video}", "currentTime") or 0)
            if not least <= stored <= sent:
                faults.append(f"{each.viewer.user} {video}: {least} <= {stored} <= {sent}")
    return faults


def half_written(client) -> list[str]:
    """Hashes and index entries that don't match each other, and keys with a wrong expiry."""
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
        if not MONTH - HOUR < client.ttl(key) <= MONTH + (HOUR if key.startswith("recent:") else 0)
    ]
    return faults


def acknowledged(users: list[SavingUser]) -> int:
    return sum(sum(each.acknowledged.values()) for each in users)


def kill_repeatedly(times: int, kill: Callable[[], None], users: list[SavingUser]) -> None:
    """Kill under load, each time after a few more saves and at a random moment."""
    with under_load(THREADS, lambda number: users[number].save_next()):
        for _ in range(times):
            enough = acknowledged(users) + THREADS
            eventually(lambda enough=enough: acknowledged(users) > enough, within=30)
            time.sleep(random.uniform(0, 0.1))  # no wait: it makes the moment random
            kill()


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_killing_redis_under_load_loses_no_acknowledged_save(stack, users, effort):
    def kill() -> None:
        stack.redis.kill()
        stack.redis.start()

    kill_repeatedly(effort(10, 200), kill, users)
    client = stack.redis.client

    assert lost_or_invented(client, users) == []
    assert half_written(client) == []
    assert [each.unexpected for each in users if each.unexpected] == []


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_killing_workers_under_load_loses_no_acknowledged_save(stack, users, effort):
    def kill() -> None:
        victim = random.choice(sorted(wait_for_workers(stack.service, 2)))
        os.kill(victim, signal.SIGKILL)
        eventually(lambda: len(workers(stack.service) - {victim}) == 2)

    kill_repeatedly(effort(10, 100), kill, users)
    client = stack.redis.client

    assert lost_or_invented(client, users) == []
    assert half_written(client) == []
    assert [each.unexpected for each in users if each.unexpected] == []
