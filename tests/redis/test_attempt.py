"""An attempt to connect blocks no caller, and its end can call a function instead."""

from __future__ import annotations

import queue
import socket

import pytest
import redis

from resume_service.redis import attempt as attempt_module
from resume_service.redis.attempt import Attempt
from resume_service.redis.client import new_client
from tests.support.scripted_redis import ScriptedRedis

SECONDS = 10


@pytest.fixture
def server():
    started = ScriptedRedis(lambda *_: None)
    yield started
    started.close()


def test_end_of_an_attempt_calls_the_function_with_the_open_connection(server):
    ended: queue.Queue[Attempt] = queue.Queue()

    attempt = Attempt(new_client(server.url, SECONDS).connection_pool, ended.put)
    attempt.start()

    assert ended.get(timeout=SECONDS) is attempt
    assert attempt.connection().is_connected
    assert attempt.wait(0)
    attempt.connection().disconnect()


def test_failed_attempt_calls_the_function_too_and_raises_its_error():
    ended: queue.Queue[Attempt] = queue.Queue()
    with socket.create_server(("127.0.0.1", 0)) as unused:
        url = f"redis://127.0.0.1:{unused.getsockname()[1]}/0"

    Attempt(new_client(url, SECONDS).connection_pool, ended.put).start()

    with pytest.raises(redis.ConnectionError):
        ended.get(timeout=SECONDS).connection()


def test_attempt_without_result_has_no_connection(server, monkeypatch):
    client = new_client(server.url, SECONDS)
    looked_up: queue.Queue[str] = queue.Queue()
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **o: looked_up.get() and real(*a, **o))

    attempt = Attempt(client.connection_pool)
    attempt.start()

    assert not attempt.wait(0.05)
    with pytest.raises(redis.ConnectionError):
        attempt.connection()
    looked_up.put("now")
    assert attempt.wait(SECONDS)
    attempt.connection().disconnect()


def test_attempt_of_some_seconds_must_be_replaced(server, monkeypatch):
    attempt = Attempt(new_client(server.url, SECONDS).connection_pool)
    attempt.start()
    assert not attempt.is_too_old()

    monkeypatch.setattr(attempt_module, "MAX_CONNECT_SECONDS", -1)

    assert attempt.is_too_old()
    assert attempt.wait(SECONDS)
    attempt.connection().disconnect()
