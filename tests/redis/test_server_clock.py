"""The estimate of the clock of a Redis server."""

from __future__ import annotations

import time

import pytest

from resume_service.redis.client import new_client
from resume_service.redis.operation import run
from resume_service.redis.router import RedisRouter
from resume_service.redis.server_clock import MAX_AGE, WINDOW_SECONDS, ServerClock
from resume_service.redis.servers import OneServer, latest_time_ms

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

        def ask(self, there: float = 0.0, back: float = 0.0, ahead: float = 0.0) -> None:
            """A round trip with this delay on the way there and back, in seconds."""
            sent = monotonic[0]
            server = NOW + sent - 1000 + there + ahead
            self.wait(there + back)
            self.answered(sent, monotonic[0], [str(int(server)), str(round(server % 1 * 10**6))])

        def error_ms(self, ahead: float = 0.0) -> float:
            """How much later the estimate is than the server."""
            return self.latest_ms() - 1000 * (NOW + monotonic[0] - 1000 + ahead)

    return Watched()


def test_time_is_unknown_before_the_first_reply(clock):
    assert clock.latest_ms() is None


def test_estimate_is_never_before_the_server_and_later_by_the_shortest_way(clock):
    for there in (0.2, 0.003, 0.5):
        clock.ask(there=there, back=0.3)

    assert 0 <= clock.error_ms() - 3 <= 2


def test_a_slow_reply_does_not_hide_a_held_back_command(clock):
    clock.ask(there=0.001)
    clock.wait(1)
    clock.ask(there=5)

    assert clock.error_ms() < 5


def test_server_that_is_set_forward_is_followed_at_once(clock):
    clock.ask(there=0.001)
    clock.ask(there=0.001, back=0.001, ahead=3600)

    assert 0 <= clock.error_ms(ahead=3600) < 5


def test_server_that_is_set_back_is_followed_after_the_window(clock):
    clock.ask(there=0.001)
    for _ in range(3):
        clock.wait(WINDOW_SECONDS + 1)
        clock.ask(there=0.001, ahead=-3600)

    assert 0 <= clock.error_ms(ahead=-3600) < 5


def test_old_estimate_is_not_used(clock):
    clock.ask()
    clock.wait(MAX_AGE + 1)

    assert clock.latest_ms() is None


@pytest.mark.parametrize("reply", [None, "OK", [], ["1"], ["a", "b"], Exception("NOPERM")])
def test_other_replies_are_ignored(clock, reply):
    clock.answered(1000.0, 1000.1, reply)

    assert clock.latest_ms() is None


def test_calls_learn_the_time_of_their_server(real_redis):
    servers = OneServer(new_client(real_redis_url(real_redis), 5))
    run(RedisRouter(servers).call("get", "key", ("GET", "key")))

    difference = latest_time_ms(servers, "key") - time.time() * 1000
    assert -1 <= difference < 1000


def real_redis_url(client) -> str:
    settings = client.connection_pool.connection_kwargs
    return f"redis://{settings['host']}:{settings['port']}"
