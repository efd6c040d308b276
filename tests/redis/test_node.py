"""Large replies take no time from callers with small replies."""

from __future__ import annotations

import threading
import time

import pytest

from resume_service.errors import Unavailable
from resume_service.redis.call import Call, ReplySize
from resume_service.redis.client import new_client
from resume_service.redis.node import MAX_LARGE_CALLS, Node
from tests.support.load_clients import in_parallel
from tests.support.scripted_redis import ScriptedRedis, tag_of

SECONDS = 0.4


@pytest.fixture
def scripted():
    """`scripted(script)` returns a server and its node."""
    servers = []

    def start(script):
        servers.append(ScriptedRedis(script))
        return servers[-1], Node(new_client(servers[-1].url, SECONDS))

    yield start
    for each in servers:
        each.close()


def answer_small_calls_only(client, data):
    if b"small" in data:
        client.sendall(b"+OK\r\n" + tag_of(data))


def send(node, key, size):
    return node.send(Call("get", (("GET", key),), node.deadline(), size=size))


@pytest.mark.parametrize("size", [ReplySize.MEDIUM, ReplySize.LARGE])
def test_late_larger_reply_delays_and_fails_no_small_one(scripted, size):
    _, node = scripted(answer_small_calls_only)
    outcomes = []

    def ask_late():
        with pytest.raises(Unavailable):
            send(node, "late", size)
        outcomes.append("late")

    late = threading.Thread(target=ask_late)
    late.start()
    slowest = 0.0
    while late.is_alive() or not outcomes:
        started = time.monotonic()
        assert send(node, "small", ReplySize.SMALL) == ["OK"]
        slowest = max(slowest, time.monotonic() - started)
        time.sleep(0.01)
    late.join()

    assert send(node, "small", ReplySize.SMALL) == ["OK"]
    assert slowest < SECONDS / 2


def test_large_calls_use_a_few_connections_of_their_own(scripted):
    server, node = scripted(lambda client, data: client.sendall(b"+OK\r\n" + tag_of(data)))
    count = 3 * MAX_LARGE_CALLS

    replies = in_parallel(count, lambda _: send(node, "k", ReplySize.LARGE))

    assert replies == [["OK"]] * count
    assert server.connections <= MAX_LARGE_CALLS
