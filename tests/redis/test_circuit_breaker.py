"""The circuit breaker opens after a failure, and closes after one successful call."""

from __future__ import annotations

import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from resume_service.errors import Unavailable
from resume_service.redis import circuit_breaker
from resume_service.redis.circuit_breaker import CircuitBreaker


def failing() -> None:
    raise redis.ConnectionError("gone")


def test_open_breaker_fails_calls_without_a_round_trip(monkeypatch):
    monkeypatch.setattr(circuit_breaker, "OPEN_SECONDS", 60)
    breaker, calls = CircuitBreaker(), []
    with pytest.raises(Unavailable):
        breaker.call(("save",), failing)

    with pytest.raises(Unavailable):
        breaker.call(("save",), lambda: calls.append("again"))

    assert calls == []


def test_one_call_at_a_time_probes_redis(monkeypatch):
    monkeypatch.setattr(circuit_breaker, "OPEN_SECONDS", 0)
    breaker, probing, answer, calls = CircuitBreaker(), threading.Event(), threading.Event(), []
    with pytest.raises(Unavailable):
        breaker.call(("save",), failing)

    def slow() -> None:
        probing.set()
        answer.wait(10)

    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(breaker.call, ("save",), slow)
        probing.wait(10)
        with pytest.raises(Unavailable):
            breaker.call(("save",), lambda: calls.append("during the probe"))
        answer.set()
        first.result()
    breaker.call(("save",), lambda: calls.append("closed"))

    assert calls == ["closed"]


def test_invalid_response_opens_the_breaker_and_wrongtype_does_not():
    def breaker_after(fault: Exception) -> CircuitBreaker:
        def command() -> None:
            raise fault

        breaker = CircuitBreaker()
        with pytest.raises((Unavailable, redis.ResponseError)):
            breaker.call(("save",), command)
        return breaker

    assert breaker_after(redis.InvalidResponse("?"))._open_until is not None
    assert breaker_after(redis.ResponseError("WRONGTYPE"))._open_until is None


@pytest.mark.parametrize(
    ("message", "is_refusal"),
    [
        ("DENIED Redis is running in protected mode", True),
        ("OOM command not allowed", True),
        ("1795578000000", True),  # a garbled reply: `:1...` has become `-1...`
        ("\N{REPLACEMENT CHARACTER}", True),
        ("", True),
        ("WRONGTYPE Operation against a key", False),
        ("ERR unknown command", False),
    ],
)
def test_refusals_and_garbled_errors_become_unavailable(message, is_refusal):
    fault = redis.ResponseError(message)

    assert isinstance(CircuitBreaker().refused("save", fault), Unavailable) is is_refusal


@pytest.mark.soak
def test_many_threads_in_many_recoveries_raise_only_unavailable(monkeypatch, effort):
    """The breaker may close between two reads of its state."""
    monkeypatch.setattr(circuit_breaker, "OPEN_SECONDS", 0)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    breaker, until = CircuitBreaker(), time.monotonic() + effort(0.5, 20)

    def flap(number: int) -> set[str]:
        seen, turn = set(), number
        while time.monotonic() < until:
            turn += 1
            try:
                breaker.call(("save",), failing if turn % 3 == 0 else list)
            except Exception as fault:  # noqa: BLE001 - any other kind fails the test
                seen.add(type(fault).__name__)
        return seen

    try:
        with ThreadPoolExecutor(16) as threads:
            seen = set().union(*threads.map(flap, range(16)))
    finally:
        sys.setswitchinterval(interval)

    assert seen == {"Unavailable"}
