"""Large replies take no time from callers with small replies."""

from __future__ import annotations

import threading
import time

import pytest

from resume_service.errors import Unavailable
from resume_service.redis.blocking_pipeline import BlockingPipeline
from resume_service.redis.call import Call, ReplySize
from resume_service.redis.client import new_client
from resume_service.redis.node import MAX_LARGE_CALLS, Node
from resume_service.redis.operation import Blocking, run
from tests.support.load_clients import in_parallel
from tests.support.scripted_redis import ScriptedRedis, tag_of

SECONDS = 0.4


@pytest.fixture
def scripted():
    """`scripted(script)` returns a server and its node."""
    servers = []

    def start(script):
        servers.append(ScriptedRedis(script))
        client = new_client(servers[-1].url, SECONDS)
        return servers[-1], Node(client, BlockingPipeline)

    yield start
    for each in servers:
        each.close()


def answer_small_calls_only(client, data):
    if b"small" in data:
        client.sendall(b"+OK\r\n" + tag_of(data))


def new_call(key, size, seconds=SECONDS):
    return Call("get", (("GET", key),), time.monotonic() + seconds, size=size)


def send(node, key, size):
    return run(node.send(new_call(key, size)))


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


@pytest.fixture
def node():
    """A node without connections, to execute its operations by hand."""
    return Node(new_client("redis://unused", SECONDS), lambda *_: object())


@pytest.fixture
def running(node):
    """As many large calls as may run at the same time."""
    operations = [node.send(new_call(str(n), ReplySize.LARGE)) for n in range(MAX_LARGE_CALLS)]
    calls = [next(operation) for operation in operations]
    assert len({call.pipeline for call in calls}) == MAX_LARGE_CALLS
    return operations


def end(operation):
    with pytest.raises(StopIteration) as done:
        operation.send(["reply"])
    assert done.value.value == ["reply"]


def fail(operation):
    with pytest.raises(Unavailable):
        operation.throw(Unavailable())


def close(operation):
    """As Python does when the operation is garbage-collected."""
    operation.close()


@pytest.mark.parametrize("way", [end, fail, close])
def test_large_call_waits_until_another_one_has_ended(node, running, way):
    waiting = node.send(new_call("k", ReplySize.LARGE))
    step = next(waiting)
    assert isinstance(step, Blocking)
    way(running[0])

    call = waiting.send(step.function())

    assert isinstance(call, Call)
    end(waiting)
    for operation in running[1:]:
        way(operation)
    more = [node.send(new_call(str(n), ReplySize.LARGE)) for n in range(MAX_LARGE_CALLS)]
    assert {type(next(operation)) for operation in more} == {Call}


def test_large_call_waits_no_longer_than_its_deadline(node, running):
    waiting = node.send(new_call("k", ReplySize.LARGE, seconds=0.01))

    with pytest.raises(Unavailable):
        run(waiting)

    end(running[0])
    assert isinstance(next(node.send(new_call("k", ReplySize.LARGE))), Call)


def test_small_and_medium_calls_never_wait_for_large_ones(node, running):
    for size in (ReplySize.SMALL, ReplySize.MEDIUM):
        assert isinstance(next(node.send(new_call("k", size))), Call)
