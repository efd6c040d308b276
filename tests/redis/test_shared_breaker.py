"""Several pipelines share the circuit breaker of their server."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from resume_service.errors import Unavailable
from resume_service.redis import circuit_breaker
from resume_service.redis.call import Call
from resume_service.redis.circuit_breaker import CircuitBreaker
from resume_service.redis.client import new_client
from resume_service.redis.round_trip import NO_WAIT
from tests.support.eventually import eventually
from tests.support.scripted_redis import ScriptedRedis, tag_of
from tests.support.timed_pipeline import TimedPipeline


@pytest.fixture
def scripted():
    """`scripted(script)` returns a client of a server that runs `script` for each round trip."""
    servers = []

    def start(script):
        servers.append(ScriptedRedis(script))
        return new_client(servers[-1].url, 0.4)

    yield start
    for each in servers:
        each.close()


def test_garbled_reply_opens_the_breaker_and_an_error_reply_does_not(scripted):
    garbage, breaker = CircuitBreaker(), CircuitBreaker()
    garbled = TimedPipeline(
        scripted(lambda client, _: client.sendall(b"\x00\r\n")), NO_WAIT, garbage
    )
    wrong_type = scripted(lambda client, data: client.sendall(b"-WRONGTYPE no\r\n" + tag_of(data)))

    with pytest.raises(Unavailable):
        garbled.call("get", ("GET", "k"))
    with pytest.raises(redis.ResponseError):
        TimedPipeline(wrong_type, NO_WAIT, breaker).call("get", ("GET", "k"))

    assert garbage.is_open
    assert not breaker.is_open


def test_failure_of_one_pipeline_fails_the_next_call_of_the_other_at_once(scripted, monkeypatch):
    """The calls of medium and large size share a circuit breaker."""
    monkeypatch.setattr(circuit_breaker, "OPEN_SECONDS", 60)
    received = []
    client = scripted(lambda _, data: received.append(data))  # never replies
    breaker = CircuitBreaker()
    one, other = (TimedPipeline(client, NO_WAIT, breaker) for _ in range(2))
    with pytest.raises(Unavailable):
        one.call("get", ("GET", "k"))

    with pytest.raises(Unavailable):
        other.call("get", ("GET", "k"))

    assert len(received) == 1


def test_two_pipelines_recover_by_one_probe(scripted, monkeypatch):
    """Two round trips fail one after the other. The second failure starts no second probe."""
    monkeypatch.setattr(circuit_breaker, "OPEN_SECONDS", 0)
    replies, received = threading.Event(), []

    def script(client, data):
        received.append(data)
        if b"probe" in data:
            replies.wait(10)
            client.sendall(b"+OK\r\n" + tag_of(data))

    client, breaker = scripted(script), CircuitBreaker()
    pipelines = [TimedPipeline(client, NO_WAIT, breaker) for _ in range(4)]

    def send(pipeline, key, seconds):
        return pipeline.send(Call("get", (("GET", key),), time.monotonic() + seconds))

    with ThreadPoolExecutor(3) as threads:
        late = threads.submit(send, pipelines[1], "late", 0.5)
        early = threads.submit(send, pipelines[0], "early", 0.1)
        assert isinstance(early.exception(), Unavailable)
        probe = threads.submit(send, pipelines[2], "probe", 5)
        eventually(lambda: any(b"probe" in each for each in received))
        assert isinstance(late.exception(), Unavailable)

        with pytest.raises(Unavailable):
            send(pipelines[3], "second probe", 5)

        replies.set()
        assert probe.result() == ["OK"]
    assert not breaker.is_open
    assert len(received) == 3
