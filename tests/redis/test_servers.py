"""The server of a key is found soon after a change, and no call waits over a second."""

from __future__ import annotations

import contextlib
import socket
import time
from functools import partial

import pytest
import redis
from redis.crc import key_slot

from resume_service.redis import topology as topology_module
from resume_service.redis.servers import Servers, connect
from tests.support.eventually import eventually
from tests.support.load_clients import in_parallel
from tests.support.redis_topologies import (
    FAILOVER_SECONDS,
    SERVICE,
    RedisCluster6,
    SentinelTrio,
    Topology,
    node_id,
    running,
)
from tests.support.server_faults import frozen, killed

TIMEOUT_MS = 300
IN_TIME = 1.0
"""Seconds within which a call returns or fails."""
KEYS = ("{a}", "{b}", "{c}")
"""One on each of the three masters."""
GONE = (redis.ConnectionError, redis.TimeoutError, redis.ResponseError)


@pytest.fixture(scope="module")
def a_cluster(tmp_path_factory):
    cluster = RedisCluster6(tmp_path_factory.mktemp("cluster"))
    with running(cluster):
        yield cluster


@pytest.fixture(scope="module")
def a_trio(tmp_path_factory):
    trio = SentinelTrio(tmp_path_factory.mktemp("trio"))
    with running(trio):
        yield trio


@pytest.fixture
def cluster(a_cluster):
    """The running cluster; each test repairs it."""
    a_cluster.wait_until_healthy()
    return a_cluster


@pytest.fixture
def trio(a_trio):
    a_trio.wait_until_healthy()
    return a_trio


@pytest.fixture(params=["cluster", "trio"])
def topology(request):
    return request.getfixturevalue(request.param)


def servers_of(topology: Topology) -> Servers:
    is_cluster = isinstance(topology, RedisCluster6)
    return connect(topology.url, TIMEOUT_MS, cluster=is_cluster)


def port_of(client: redis.Redis) -> int:
    return client.connection_pool.connection_kwargs["port"]


def seconds(job) -> float:
    """The seconds that `job` takes, also if it fails by a Redis error."""
    started = time.perf_counter()
    with contextlib.suppress(*GONE):
        job()
    return time.perf_counter() - started


def writes(servers: Servers, key: str) -> bool:
    """Whether a write succeeds. After a failure the topology is refreshed."""
    try:
        servers.node(key).set(key, "1")
    except GONE:
        servers.refresh()
        return False
    return True


@pytest.mark.parametrize("url", ["redis://h", "redis+sentinel://h/m", "unix:///nowhere"])
def test_connect_opens_no_connection(url, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: pytest.fail("connects"))

    connect(url, TIMEOUT_MS)
    connect("redis://h1,h2", TIMEOUT_MS, cluster=True)


def test_one_server_holds_every_key(real_redis):
    port = real_redis.connection_pool.connection_kwargs["port"]
    servers = connect(f"redis://127.0.0.1:{port}/0", TIMEOUT_MS)

    assert servers.node("a") is servers.node("b")
    assert servers.nodes() == [servers.node("a")]
    assert servers.run("a", "SET", "a", 1) is True
    servers.refresh()
    assert servers.node("a").get("a") == "1"


def test_refresh_keeps_the_client_of_each_key(topology):
    servers = servers_of(topology)
    before = [servers.node(key) for key in KEYS]
    time.sleep(topology_module.REFRESH_INTERVAL)

    servers.refresh()

    assert [servers.node(key) for key in KEYS] == before
    assert [port_of(client) for client in before] == [topology.master(k).port for k in KEYS]
    assert set(servers.nodes()) == set(before)


def test_connection_of_a_client_takes_pipelined_commands(topology):
    pool = servers_of(topology).node("{a}").connection_pool
    connection = pool.get_connection()

    connection.send_packed_command(
        connection.pack_commands([("SET", "{a}", "1"), ("GET", "{a}"), ("WAIT", "1", "900")])
    )
    answers = [connection.read_response() for _ in range(3)]
    pool.release(connection)

    assert answers[:2] == ["OK", "1"]
    assert answers[2] >= 1


@pytest.fixture
def refreshes(topology, monkeypatch):
    """A client of `topology` with long timeouts, and the queries that it made."""
    for each in ("QUERY_TIMEOUT", "REFRESH_TIMEOUT", "REFRESH_INTERVAL"):
        monkeypatch.setattr(topology_module, each, 20.0)
    servers, taken = servers_of(topology), []
    ask = servers._query
    monkeypatch.setattr(servers, "_query", lambda source: taken.append(source) or ask(source))
    return servers, taken


def test_concurrent_first_calls_query_the_topology_once(refreshes):
    servers, taken = refreshes

    clients = in_parallel(32, lambda _: servers.node("{a}"))

    assert len(set(clients)) == len(taken) == 1


def test_concurrent_failures_query_the_topology_once(refreshes, monkeypatch):
    servers, taken = refreshes
    servers.node("{a}")
    monkeypatch.setattr(servers, "_next_refresh", 0.0)

    in_parallel(32, lambda _: servers.refresh())
    servers.refresh()  # by a late caller

    assert len(taken) == 2


@pytest.mark.parametrize("number", [1, 2, 3])
def test_frozen_sentinels_delay_no_call_over_a_second(trio, number):
    with frozen(*trio.sentinels[:number]):
        servers = servers_of(trio)
        took = [seconds(lambda: servers.node("")) for _ in range(3)]
        took += [seconds(servers.refresh) for _ in range(3)]
        together = in_parallel(32, lambda _: seconds(lambda: servers_of(trio).node("")))

    assert max(*took, *together) < IN_TIME
    eventually(lambda: writes(servers, "a"), within=2)


@pytest.mark.parametrize("number", [1, 3, 6])
def test_frozen_nodes_delay_no_call_over_a_second(cluster, number):
    known = servers_of(cluster)
    known.node("{a}")
    servers = servers_of(cluster)

    with frozen(*cluster.servers[:number]):
        took = [seconds(lambda: servers.node("{a}")) for _ in range(3)]
        took += [seconds(known.refresh) for _ in range(3)]
        took += [seconds(partial(known.run, key, "SET", key, 1)) for key in KEYS]
        shared = in_parallel(32, lambda _: seconds(lambda: servers.node("{a}")))

    assert max(*took, *shared) < IN_TIME
    eventually(lambda: all(writes(servers, key) for key in KEYS), within=FAILOVER_SECONDS)


def test_migrating_slot_is_asked_at_its_target(cluster):
    key = "{a}moving"
    source, target = cluster.master(key), cluster.master("{b}")
    servers, slot = servers_of(cluster), key_slot(key.encode())
    assert servers.run(key, "GET", key) is None
    old = servers.node(key)
    target.client.execute_command("CLUSTER SETSLOT", slot, "IMPORTING", node_id(source))
    source.client.execute_command("CLUSTER SETSLOT", slot, "MIGRATING", node_id(target))

    try:
        assert servers.run(key, "SET", key, "1") in (True, "OK")  # an ASK redirect
        assert servers.run(key, "GET", key) == "1"
        assert servers.node(key) is old
        with pytest.raises(redis.exceptions.AskError):
            old.get(key)
    finally:
        for server in (target, source):
            server.client.execute_command("CLUSTER SETSLOT", slot, "NODE", node_id(target))

    assert servers.run(key, "GET", key) == "1"
    assert servers.node(key) is servers.node("{b}")


def test_moved_slot_is_found_without_another_query(cluster, monkeypatch):
    key = "{b}"
    source, target = cluster.master(key), cluster.master("{c}")
    servers, slot = servers_of(cluster), key_slot(key.encode())
    old = servers.node(key)
    monkeypatch.setattr(servers, "_query", lambda _: pytest.fail("queries again"))
    monkeypatch.setattr(servers, "_next_refresh", time.monotonic() + 60)
    source.client.flushall()
    for server in (target, source):
        server.client.execute_command("CLUSTER SETSLOT", slot, "NODE", node_id(target))

    with pytest.raises(redis.exceptions.MovedError) as moved:
        old.get(key)
    servers.refresh(moved.value)

    assert port_of(servers.node(key)) == target.port
    assert servers.run(key, "GET", key) is None


@pytest.mark.parametrize(
    "way",
    [pytest.param(killed, marks=pytest.mark.only_soak), frozen],
    ids=lambda each: each.__name__,
)
def test_promoted_replica_is_found_within_the_failover_time(cluster, trio, way):
    """Both topologies fail over at the same time, because a failover is mostly waiting."""
    in_parallel(2, lambda number: fail_over((cluster, trio)[number], way))


def fail_over(topology: Topology, way) -> None:
    servers = servers_of(topology)
    assert writes(servers, "{a}")
    victim, old = topology.master("{a}"), servers.node("{a}")
    slowest = 0.0

    def is_replaced() -> bool:
        nonlocal slowest
        result: list[bool] = []
        slowest = max(slowest, seconds(lambda: result.append(writes(servers, "{a}"))))
        return result == [True]

    with way(victim):
        eventually(is_replaced, within=FAILOVER_SECONDS)

    assert servers.node("{a}") is not old
    assert port_of(servers.node("{a}")) != victim.port
    assert slowest < IN_TIME
    eventually(topology.is_healthy, within=30)
    assert writes(servers, "{a}")


def test_replaced_master_is_left_although_it_still_takes_writes(trio):
    """Sentinel demotes the old master ten seconds later. Writes to it until then are lost."""
    servers = servers_of(trio)
    assert writes(servers, "a")
    before = trio.master().port

    trio.sentinels[0].client.execute_command("SENTINEL FAILOVER", SERVICE)
    eventually(lambda: trio.master().port != before, within=FAILOVER_SECONDS)

    def is_left() -> bool:
        return writes(servers, "a") and port_of(servers.node("a")) != before

    eventually(is_left, within=5)
