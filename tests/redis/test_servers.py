"""Which server holds a key is known soon after it changes, and nobody waits a second to know."""

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
from tests.support.load_clients import at_once
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
"""Seconds within which a caller has its answer, or knows that there is none."""
KEYS = ("{a}", "{b}", "{c}")
"""One on each of the three masters."""
BREAKAGES = (killed, frozen)
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
    """Each test mends what it breaks."""
    a_cluster.wait_until_good()
    return a_cluster


@pytest.fixture
def trio(a_trio):
    a_trio.wait_until_good()
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
    """How long `job` takes, whether it fails as Redis fails or not."""
    started = time.perf_counter()
    with contextlib.suppress(*GONE):
        job()
    return time.perf_counter() - started


def writes(servers: Servers, key: str) -> bool:
    """Whether a write succeeds, as a caller tries it: after a failure it looks again."""
    try:
        servers.node(key).set(key, "1")
    except GONE:
        servers.refresh()
        return False
    return True


@pytest.mark.parametrize("url", ["redis://h", "redis+sentinel://h/m", "unix:///nowhere"])
def test_nothing_connects_before_first_use(url, monkeypatch):
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


def test_each_key_has_one_client_until_its_server_changes(topology):
    servers = servers_of(topology)
    before = [servers.node(key) for key in KEYS]
    time.sleep(topology_module.REFRESH_INTERVAL)

    servers.refresh()

    assert [servers.node(key) for key in KEYS] == before
    assert [port_of(client) for client in before] == [topology.master(k).port for k in KEYS]
    assert set(servers.nodes()) == set(before)


def test_many_commands_travel_at_once_on_a_connection_of_its_client(topology):
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
    """`topology` as a client knows it, and the looks that it took; with time for slow threads."""
    for each in ("QUERY_TIMEOUT", "REFRESH_TIMEOUT", "REFRESH_INTERVAL"):
        monkeypatch.setattr(topology_module, each, 20.0)
    servers, taken = servers_of(topology), []
    ask = servers._query
    monkeypatch.setattr(servers, "_query", lambda source: taken.append(source) or ask(source))
    return servers, taken


def test_threads_that_come_first_together_look_once(refreshes):
    servers, taken = refreshes

    clients = at_once(32, lambda _: servers.node("{a}"))

    assert len(set(clients)) == len(taken) == 1


def test_many_that_fail_together_look_once(refreshes, monkeypatch):
    servers, taken = refreshes
    servers.node("{a}")
    monkeypatch.setattr(servers, "_next_refresh", 0.0)

    at_once(32, lambda _: servers.refresh())
    servers.refresh()  # as one does that was late to notice

    assert len(taken) == 2


@pytest.mark.parametrize("number", [1, 2, 3])
def test_sentinels_that_hang_or_are_gone_delay_nobody_beyond_a_second(trio, number):
    with frozen(*trio.sentinels[:number]):
        servers = servers_of(trio)
        took = [seconds(lambda: servers.node("")) for _ in range(3)]
        took += [seconds(servers.refresh) for _ in range(3)]
        together = at_once(32, lambda _: seconds(lambda: servers_of(trio).node("")))

    assert max(*took, *together) < IN_TIME
    eventually(lambda: writes(servers, "a"), within=2)


@pytest.mark.parametrize("number", [1, 3, 6])
def test_nodes_that_hang_delay_nobody_beyond_a_second(cluster, number):
    known = servers_of(cluster)
    known.node("{a}")
    servers = servers_of(cluster)

    with frozen(*cluster.servers[:number]):
        took = [seconds(lambda: servers.node("{a}")) for _ in range(3)]
        took += [seconds(known.refresh) for _ in range(3)]
        took += [seconds(partial(known.run, key, "SET", key, 1)) for key in KEYS]
        shared = at_once(32, lambda _: seconds(lambda: servers.node("{a}")))

    assert max(*took, *shared) < IN_TIME
    eventually(lambda: all(writes(servers, key) for key in KEYS), within=FAILOVER_SECONDS)


def test_a_slot_that_is_on_its_way_is_asked_for_where_it_goes(cluster):
    key = "{a}moving"
    source, target = cluster.master(key), cluster.master("{b}")
    servers, slot = servers_of(cluster), key_slot(key.encode())
    assert servers.run(key, "GET", key) is None
    old = servers.node(key)
    target.client.execute_command("CLUSTER SETSLOT", slot, "IMPORTING", node_id(source))
    source.client.execute_command("CLUSTER SETSLOT", slot, "MIGRATING", node_id(target))

    try:
        assert servers.run(key, "SET", key, "1") in (True, "OK")  # only there
        assert servers.run(key, "GET", key) == "1"
        assert servers.node(key) is old
        with pytest.raises(redis.exceptions.AskError):
            old.get(key)
    finally:
        for server in (target, source):
            server.client.execute_command("CLUSTER SETSLOT", slot, "NODE", node_id(target))

    assert servers.run(key, "GET", key) == "1"
    assert servers.node(key) is servers.node("{b}")


def test_a_slot_that_has_moved_is_found_even_if_others_have_not_heard(cluster, monkeypatch):
    key = "{b}"
    source, target = cluster.master(key), cluster.master("{c}")
    servers, slot = servers_of(cluster), key_slot(key.encode())
    old = servers.node(key)
    monkeypatch.setattr(servers, "_query", lambda _: pytest.fail("too soon to look again"))
    monkeypatch.setattr(servers, "_next_refresh", time.monotonic() + 60)
    source.client.flushall()
    for server in (target, source):
        server.client.execute_command("CLUSTER SETSLOT", slot, "NODE", node_id(target))

    with pytest.raises(redis.exceptions.MovedError) as moved:
        old.get(key)
    servers.refresh(moved.value)

    assert port_of(servers.node(key)) == target.port
    assert servers.run(key, "GET", key) is None


@pytest.mark.parametrize("way", BREAKAGES, ids=lambda each: each.__name__)
def test_a_promoted_replica_is_found_within_the_failover_time(topology, way):
    servers = servers_of(topology)
    assert writes(servers, "{a}")
    victim, old = topology.master("{a}"), servers.node("{a}")
    slowest = 0.0

    def stands_in() -> bool:
        nonlocal slowest
        result: list[bool] = []
        slowest = max(slowest, seconds(lambda: result.append(writes(servers, "{a}"))))
        return result == [True]

    with way(victim):
        eventually(stands_in, within=FAILOVER_SECONDS)

    assert servers.node("{a}") is not old
    assert port_of(servers.node("{a}")) != victim.port
    assert slowest < IN_TIME
    eventually(topology.is_good, within=30)
    assert writes(servers, "{a}")


def test_a_master_replaced_by_hand_is_left_though_it_still_takes_writes(trio):
    """Sentinel promotes first, and demotes ten seconds later: what is written then is lost."""
    servers = servers_of(trio)
    assert writes(servers, "a")
    before = trio.master().port

    trio.sentinels[0].client.execute_command("SENTINEL FAILOVER", SERVICE)
    eventually(lambda: trio.master().port != before, within=FAILOVER_SECONDS)

    def is_left() -> bool:
        return writes(servers, "a") and port_of(servers.node("a")) != before

    eventually(is_left, within=5)
