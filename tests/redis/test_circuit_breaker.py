"""The gate: shut after a failure, open again as soon as one caller got through."""

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


def test_after_a_failure_callers_fail_at_once_without_asking(monkeypatch):
    monkeypatch.setattr(circuit_breaker, "OPEN_SECONDS", 60)
    breaker, asked = CircuitBreaker(), []
    with pytest.raises(Unavailable):
        breaker.call(("save",), failing)

    with pytest.raises(Unavailable):
        breaker.call(("save",), lambda: asked.append("again"))

    assert asked == []


def test_one_caller_at_a_time_finds_out_whether_redis_is_back(monkeypatch):
    monkeypatch.setattr(circuit_breaker, "OPEN_SECONDS", 0)
    breaker, asking, answer, asked = CircuitBreaker(), threading.Event(), threading.Event(), []
    with pytest.raises(Unavailable):
        breaker.call(("save",), failing)

    def slow() -> None:
        asking.set()
        answer.wait(10)

    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(breaker.call, ("save",), slow)
        asking.wait(10)
        with pytest.raises(Unavailable):
            breaker.call(("save",), lambda: asked.append("meanwhile"))
        answer.set()
        first.result()
    breaker.call(("save",), lambda: asked.append("open"))

    assert asked == ["open"]


def test_a_garbled_answer_shuts_the_gate_and_a_defect_of_ours_does_not():
    def answering(fault: Exception) -> CircuitBreaker:
        def command() -> None:
            raise fault

        breaker = CircuitBreaker()
        with pytest.raises((Unavailable, redis.ResponseError)):
            breaker.call(("save",), command)
        return breaker

    assert answering(redis.InvalidResponse("?"))._open_until is not None
    assert answering(redis.ResponseError("WRONGTYPE"))._open_until is None


@pytest.mark.soak
def test_many_threads_through_many_recoveries_see_no_other_error(monkeypatch, effort):
    """The gate may open between two looks at it."""
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
