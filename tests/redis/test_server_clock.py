"""The estimate of the clock of a Redis server."""

from __future__ import annotations

import hashlib
import time
from types import SimpleNamespace

import pytest

from resume_service.redis import server_clock
from resume_service.redis.client import new_client
from resume_service.redis.operation import run
from resume_service.redis.router import RedisRouter
from resume_service.redis.server_clock import MAX_AGE, SECONDS_BETWEEN, ServerClock
from resume_service.redis.servers import OneServer

TEXT = "return ARGV[1]"
ECHO = SimpleNamespace(sha=hashlib.sha1(TEXT.encode()).hexdigest(), text=TEXT)
NOW = 1_800_000_000.25
"""Seconds since 1970."""


@pytest.fixture
def clock(monkeypatch):
    """A clock of a server that is NOW ahead of `time.monotonic()`. `clock.wait(s)` lets time pass."""
    monotonic = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: monotonic[0])

    class Watched(ServerClock):
        def wait(self, seconds: float) -> None:
            monotonic[0] += seconds

        def ask_now(self) -> float:
            monotonic[0] += SECONDS_BETWEEN
            return super().ask()

        def trip(self, there: float = 0.0, back: float = 0.0, ahead: float = 0.0) -> None:
            """A round trip with this delay on the way there and back, in seconds."""
            sent = self.ask_now()
            server = NOW + sent - 1000 + there + ahead
            self.wait(there + back)
            self.answered(sent, [str(int(server)), str(round(server % 1 * 10**6))])

        def error_ms(self, ahead: float = 0.0) -> float:
            """How much later the estimate is than the server."""
            return self.latest_ms() - 1000 * (NOW + monotonic[0] - 1000 + ahead)

    return Watched()


def test_time_is_unknown_before_the_first_reply(clock):
    assert clock.latest_ms() is None


def test_estimate_is_never_before_the_server_and_later_by_the_shortest_way(clock):
    for there in (0.2, 0.003, 0.5):
        clock.trip(there=there, back=0.3)

    assert 0 <= clock.error_ms() - 3 <= 2


def test_a_slow_reply_does_not_hide_a_held_back_command(clock):
    clock.trip(there=0.001)
    clock.trip(there=0.001)
    clock.trip(there=5)

    assert clock.error_ms() < 5


@pytest.mark.parametrize("ahead", [3600, -3600])
def test_server_with_a_changed_clock_is_followed_after_two_replies(clock, ahead):
    clock.trip(there=0.001)
    clock.trip(there=0.001)
    clock.trip(there=0.001, ahead=ahead)
    assert 0 <= clock.error_ms() < 5
    clock.trip(there=0.001, ahead=ahead)

    assert 0 <= clock.error_ms(ahead=ahead) < 5


def test_one_garbled_reply_changes_nothing(clock):
    clock.trip(there=0.001)
    clock.trip(there=0.001)
    clock.trip(there=0.001, ahead=-2)
    clock.trip(there=0.001)

    assert 0 <= clock.error_ms() < 5


def test_old_estimate_is_not_used(clock):
    clock.trip()
    clock.trip()
    assert clock.latest_ms()
    clock.wait(MAX_AGE + 1)

    assert clock.latest_ms() is None


@pytest.mark.parametrize("reply", [None, "OK", [], ["1"], ["a", "b"]])
def test_other_replies_are_ignored(clock, reply):
    clock.answered(clock.ask_now(), reply)

    assert clock.latest_ms() is None


@pytest.mark.parametrize("count", [1, 3])
def test_batches_learn_the_time_of_their_server(real_redis, monkeypatch, count):
    monkeypatch.setattr(server_clock, "SECONDS_BETWEEN", 0.0)
    router = RedisRouter(OneServer(new_client(real_redis_url(real_redis), 5)))
    run(router.run("save", ECHO, ["key"], [0]))  # now the server has the script
    calls = [(["key"], [str(number)]) for number in range(count)]
    for _ in range(3):
        assert run(router.run_each("batch", ECHO, calls)) == [args[0] for _, args in calls]

    difference = router.deadline_ms(router.nodes.known("key")) - time.time() * 1000
    assert -1 <= difference - 5000 < 1000


def test_scripts_learn_the_time_of_their_server(real_redis, monkeypatch):
    monkeypatch.setattr(server_clock, "SECONDS_BETWEEN", 0.0)
    router = RedisRouter(OneServer(new_client(real_redis_url(real_redis), 5)))
    for number in range(4):
        assert run(router.run("save", ECHO, ["key"], [number])) == str(number)

    difference = router.deadline_ms(router.nodes.known("key")) - time.time() * 1000
    assert -1 <= difference - 5000 < 1000


def real_redis_url(client) -> str:
    settings = client.connection_pool.connection_kwargs
    return f"redis://{settings['host']}:{settings['port']}"
