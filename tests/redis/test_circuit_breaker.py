"""The circuit breaker opens after a failure, and closes after one successful round trip."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from resume_service.redis import circuit_breaker
from resume_service.redis.circuit_breaker import CircuitBreaker
from tests.support.load_clients import in_parallel

SAVE = ("save",)
GONE = redis.ConnectionError("gone")


@pytest.fixture
def breaker(monkeypatch):
    """An open circuit breaker. It lets a probe start at once."""
    monkeypatch.setattr(circuit_breaker, "OPEN_SECONDS", 0)
    opened = CircuitBreaker()
    opened.fail(SAVE, opened.admit(), GONE)
    return opened


def test_open_breaker_admits_no_round_trip():
    breaker = CircuitBreaker()
    breaker.fail(SAVE, breaker.admit(), GONE)

    assert breaker.is_open
    assert breaker.admit() is None


def test_one_round_trip_at_a_time_probes_redis(breaker):
    probe = breaker.admit()

    assert probe
    assert breaker.admit() is None
    breaker.succeed(SAVE, probe)
    assert not breaker.is_open
    assert all(breaker.admit() for _ in range(3))


def test_one_of_many_threads_gets_the_probe(breaker):
    admissions = in_parallel(16, lambda _: breaker.admit())

    assert sum(each is not None for each in admissions) == 1


def test_failed_probe_keeps_the_circuit_open_and_lets_another_one_start(breaker):
    breaker.fail(SAVE, breaker.admit(), GONE)

    assert breaker.is_open
    assert breaker.admit()


def test_interrupted_probe_lets_another_one_start(breaker):
    breaker.give_up(breaker.admit())

    assert breaker.is_open
    assert breaker.admit()


def test_round_trips_from_before_the_failure_end_no_probe(monkeypatch):
    """Several connections share a circuit breaker, so their round trips overlap."""
    monkeypatch.setattr(circuit_breaker, "OPEN_SECONDS", 0)
    breaker = CircuitBreaker()
    first, second, third, fourth = (breaker.admit() for _ in range(4))
    breaker.fail(SAVE, first, GONE)
    probe = breaker.admit()
    assert probe

    breaker.fail(SAVE, second, GONE)
    assert breaker.admit() is None
    breaker.give_up(third)
    assert breaker.admit() is None
    breaker.succeed(SAVE, fourth)  # Redis answers again
    assert not breaker.is_open
    breaker.fail(SAVE, breaker.admit(), GONE)
    assert breaker.admit() is None  # the probe still runs
    breaker.fail(SAVE, probe, GONE)
    assert breaker.admit()


@pytest.mark.soak
def test_many_threads_in_many_recoveries_leave_no_probe_behind(monkeypatch, effort):
    """The circuit may close between two reads of its state."""
    monkeypatch.setattr(circuit_breaker, "OPEN_SECONDS", 0)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    breaker, until = CircuitBreaker(), time.monotonic() + effort(0.5, 20)

    def flap(number: int) -> set[str]:
        seen, turn = set(), number
        while time.monotonic() < until:
            turn += 1
            admission = breaker.admit()
            if admission is None:
                seen.add("refused")
            elif turn % 3 == 0:
                breaker.fail(SAVE, admission, GONE)
                seen.add("failed")
            else:
                breaker.succeed(SAVE, admission)
                seen.add("succeeded")
        return seen

    try:
        with ThreadPoolExecutor(16) as threads:
            seen = set().union(*threads.map(flap, range(16)))
    finally:
        sys.setswitchinterval(interval)

    assert seen == {"refused", "failed", "succeeded"}
    breaker.fail(SAVE, breaker.admit() or pytest.fail("a probe is left"), GONE)
    assert breaker.admit()
