"""The path of a call, step by step: known servers need no query, and errors are followed once.

The tests execute the operations by hand, so no server runs.
"""

from __future__ import annotations

import time

import pytest
import redis
from redis.crc import key_slot

from resume_service.errors import Unavailable
from resume_service.redis import topology
from resume_service.redis.call import Call, ReplySize
from resume_service.redis.operation import Blocking
from resume_service.redis.replies import new_reader
from resume_service.redis.router import RedisRouter
from resume_service.redis.script import Script
from resume_service.redis.sentinel import MAX_AGE
from resume_service.redis.servers import connect

ONE = ("one", 6379)
SLOTS = 16384
SCRIPT = Script("merge_point.lua", "resume_service.resume.scripts")


@pytest.fixture
def sentinel(monkeypatch):
    """Servers behind a Sentinel. It replies that the master is `ONE`."""
    servers = connect("redis+sentinel://sentinel/points", 300)
    monkeypatch.setattr(servers, "_query", lambda _: [ONE])
    return servers


@pytest.fixture
def cluster(monkeypatch):
    """A cluster of which `ONE` has all slots."""
    servers = connect("redis://cluster", 300, cluster=True)
    monkeypatch.setattr(servers, "_query", lambda _: [ONE] * SLOTS)
    monkeypatch.setattr(topology, "REFRESH_INTERVAL", 60)
    return servers


@pytest.fixture
def router(cluster):
    """A router to the cluster, after its first query."""
    cluster.node("k")
    return RedisRouter(cluster)


def error(text):
    """An error reply, as the connection returns it."""
    reader = new_reader()
    reader.feed(f"-{text}\r\n".encode())
    return reader.gets()


SLOT = key_slot(b"k")
MOVED = error(f"MOVED {SLOT} other:6379")
ASK = error(f"ASK {SLOT} other:6379")


def result_of(operation, replies):
    with pytest.raises(StopIteration) as done:
        operation.send(replies)
    return done.value.value


@pytest.mark.parametrize("kind", ["sentinel", "cluster"])
def test_first_call_queries_the_topology_in_a_blocking_step_and_the_next_one_does_not(
    request, kind
):
    servers = request.getfixturevalue(kind)
    router = RedisRouter(servers)
    first = router.call("get", "k", ("GET", "k"))
    assert servers.known_node("k") is None

    step = next(first)
    assert isinstance(step, Blocking)
    assert isinstance(first.send(step.function()), Call)
    assert isinstance(next(router.call("get", "k", ("GET", "k"))), Call)
    assert servers.known_node("k") is servers.node("k")


def test_sentinel_is_queried_again_after_a_second_by_one_call(sentinel, monkeypatch):
    client = sentinel.node("k")
    monkeypatch.setattr(sentinel, "_next_refresh", time.monotonic() - MAX_AGE - 0.01)

    assert sentinel.known_node("k") is None
    with sentinel._refreshing:  # another call queries
        assert sentinel.known_node("k") is client
    assert sentinel.node("k") is client
    assert sentinel.known_node("k") is client


def test_slot_without_server_is_unavailable_without_a_query(cluster, router, monkeypatch):
    monkeypatch.setattr(cluster, "_primaries", [None] * SLOTS)

    with pytest.raises(Unavailable):
        next(router.call("get", "k", ("GET", "k")))


def test_unreachable_topology_is_unavailable(sentinel, monkeypatch):
    def fail(_):
        raise redis.ConnectionError

    monkeypatch.setattr(sentinel, "_query", fail)
    operation = RedisRouter(sentinel).call("get", "k", ("GET", "k"))
    step = next(operation)

    with pytest.raises(Unavailable):
        step.function()


def test_moved_call_goes_to_the_new_server_with_the_same_deadline(router):
    operation = router.call(
        "save", "k", ("SET", "k", 1), ("GET", "k"), writes=True, size=ReplySize.MEDIUM
    )
    first = next(operation)

    step = operation.send(["OK", MOVED])
    assert isinstance(step, Blocking)
    again = operation.send(step.function())

    assert again.pipeline is not first.pipeline
    assert again.commands == first.commands
    assert (again.deadline, again.writes, again.size) == (first.deadline, True, ReplySize.MEDIUM)
    assert result_of(operation, ["OK", "1"]) == ["OK", "1"]
    assert next(router.call("get", "k", ("GET", "k"))).pipeline is not first.pipeline


def test_asked_call_sends_each_command_after_asking_and_later_calls_stay(router):
    operation = router.call("get", "k", ("GET", "k"), ("TTL", "k"))
    first = next(operation)

    step = operation.send([ASK, ASK])
    again = operation.send(step.function())

    assert again.commands == [("ASKING",), ("GET", "k"), ("ASKING",), ("TTL", "k")]
    assert again.pipeline is not first.pipeline
    assert result_of(operation, ["OK", "v", "OK", 5]) == ["v", 5]
    assert next(router.call("get", "k", ("GET", "k"))).pipeline is first.pipeline


def test_second_redirection_is_unavailable(router):
    operation = router.call("get", "k", ("GET", "k"))
    next(operation)
    step = operation.send([MOVED])
    operation.send(step.function())

    with pytest.raises(Unavailable):
        operation.send([ASK])


def test_script_text_is_sent_only_to_a_server_without_the_script(router):
    operation = router.run("save", SCRIPT, ["k"], ["a"])
    first = next(operation)
    again = operation.send([error("NOSCRIPT No matching script.")])

    assert first.commands[0] == ("EVALSHA", SCRIPT.sha, "1", "k", "a")
    assert again.commands == (("EVAL", SCRIPT.text, "1", "k", "a"),)
    assert (again.deadline, again.writes) == (first.deadline, True)
    assert result_of(operation, [7]) == 7


BATCH = [(["k"], ["a"]), (["k"], ["b"])]


def server_time():
    """The reply of a server to TIME. Its clock is that of this host."""
    seconds, nanoseconds = divmod(time.time_ns(), 10**9)
    return [str(seconds), str(nanoseconds // 1000)]


@pytest.mark.parametrize(
    ("kind", "before", "after", "replies"),
    [
        ("sentinel", ["MULTI"], ["EXEC"], ["OK", "QUEUED", "QUEUED", [1, 2]]),
        ("cluster", [], [], [1, 2]),
    ],
)
def test_batch_asks_each_server_for_its_time_once_a_second_after_the_scripts(
    request, kind, before, after, replies
):
    servers = request.getfixturevalue(kind)
    servers.node("k")
    router = RedisRouter(servers)
    names = [*before, "EVALSHA", "EVALSHA", *after]
    for _ in range(2):  # two replies give an estimate
        operation = router.run_each("batch", SCRIPT, BATCH)
        assert [each[0] for each in next(operation).commands] == [*names, "TIME"]
        assert result_of(operation, [*replies, server_time()]) == [1, 2]

    assert router.deadline_ms(router.nodes.known("k"))
    operation = router.run_each("batch", SCRIPT, BATCH)
    assert [each[0] for each in next(operation).commands] == names
    assert result_of(operation, replies) == [1, 2]


def test_batch_has_its_results_also_if_redis_refuses_to_give_its_time(sentinel):
    sentinel.node("k")
    operation = RedisRouter(sentinel).run_each("batch", SCRIPT, BATCH)
    next(operation)

    refused = error("NOPERM no permission to run 'time'")
    assert result_of(operation, ["OK", "QUEUED", "QUEUED", [1, 2], refused]) == [1, 2]


def test_failed_call_queries_the_topology_only_if_a_query_is_due(cluster, router, monkeypatch):
    operation = router.call("get", "k", ("GET", "k"))
    next(operation)
    with pytest.raises(Unavailable):  # the topology was queried just before
        operation.throw(Unavailable())

    monkeypatch.setattr(cluster, "_next_refresh", 0.0)
    operation = router.call("get", "k", ("GET", "k"))
    next(operation)
    step = operation.throw(Unavailable())
    assert step == Blocking(cluster.refresh)
    with pytest.raises(Unavailable):
        operation.send(step.function())


def test_failed_call_to_a_single_server_has_no_further_step():
    operation = RedisRouter(connect("redis://one", 300)).call("get", "k", ("GET", "k"))
    next(operation)

    with pytest.raises(Unavailable):
        operation.throw(Unavailable())
