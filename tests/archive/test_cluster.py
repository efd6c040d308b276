"""The archive with a Redis Cluster, where points and backlog entries are on different servers."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime

import psycopg
import pytest

from resume_service.archive.cycle import ArchiveCycle
from resume_service.clock import epoch_ms
from resume_service.errors import Unavailable
from resume_service.redis.pipeline import Pipeline
from resume_service.redis.router import RedisRouter
from resume_service.redis.servers import connect
from resume_service.resume.bulk_store import BulkStore
from resume_service.resume.keys import Keys
from resume_service.resume.model import EventType, Mark, Measurement, PointSettings
from resume_service.resume.separate_backlog import SeparateBacklog
from resume_service.resume.store import ResumeStore
from resume_service.settings import Settings
from tests.support.archive_load import Load
from tests.support.archive_stores import Stores
from tests.support.eventually import eventually
from tests.support.executed import Executed
from tests.support.redis_topologies import RedisCluster6, running
from tests.support.tokens import SECRET


@pytest.fixture(scope="module")
def cluster_servers(tmp_path_factory):
    cluster = RedisCluster6(tmp_path_factory.mktemp("cluster"))
    with running(cluster):
        yield cluster


@pytest.fixture
def cluster(cluster_servers, database):
    """An empty Redis Cluster and an empty archive."""
    servers = connect(cluster_servers.url, 450, cluster=True)
    for node in servers.nodes():
        node.flushall()
    settings = Settings(
        jwt_secret=SECRET, redis_url=cluster_servers.url, redis_cluster=True, database_url=database
    )
    now = [datetime.now(UTC).replace(microsecond=0)]
    archive = ArchiveCycle.of(settings, lambda: max(now[0], datetime.now(UTC)))
    points = store_on(servers, fixed_clock=True)
    with psycopg.connect(database, autocommit=True) as sql:
        yield Stores(servers, database, archive, points, sql, now)


@pytest.fixture
def clocks(cluster):
    """The same, but with the clocks of the Redis servers, as in production.

    The clock of this host is an hour ahead of them: it is the clock of `now`.
    """
    cluster.pass_time(hours=1)
    cluster.points = store_on(cluster.redis)
    use_the_clocks_of_redis(cluster)
    return cluster


def use_the_clocks_of_redis(cluster):
    """For the archive (see `Stores.use_the_clock_of_redis`)."""
    settings = cluster.archive.point_settings
    points = BulkStore(Pipeline(cluster.redis), Keys(hash_tags=True), settings)
    cluster.archive = replace(cluster.archive, points=points)


def store_on(servers, *, fixed_clock=False, **settings):
    point_settings = replace(PointSettings.from_settings(Settings()), **settings)
    router, keys = RedisRouter(servers), Keys(hash_tags=True)
    return Executed(
        ResumeStore(router, keys, point_settings, archive=True, fixed_clock=fixed_clock)
    )


def lose_the_hash(stores, user="ann", video="v"):
    """The point is in the archive only, as after 30 days."""
    key = Keys(hash_tags=True).of_point(user, video).point
    stores.redis.node(key).delete(key)


def next_millisecond():
    began = time.time_ns() // 1_000_000
    eventually(lambda: time.time_ns() // 1_000_000 > began)


def is_backlog_empty(cluster):
    backlog = cluster.archive.backlog.stats()
    return (backlog.dirty, backlog.erased) == (0, 0)


def test_a_flush_archives_and_erases_points_of_all_servers(cluster):
    for number in range(40):
        cluster.save(user=f"user-{number}")
    cluster.cycle()
    assert len(cluster.rows()) == 40
    cluster.delete(user="user-7")
    cluster.delete(user="user-8")
    cluster.pass_time(seconds=1)
    cluster.save(user="user-8")
    cluster.cycle()

    assert {user for user, _ in cluster.rows()} == {f"user-{n}" for n in range(40)} - {"user-7"}
    assert is_backlog_empty(cluster)


def test_a_flush_during_a_deletion_leaves_no_row(cluster, monkeypatch):
    """The backlog entry is written before the point is deleted. Between both, the point exists."""
    cluster.save()
    cluster.cycle()
    add = SeparateBacklog.add

    def add_and_flush(backlog, entry):
        yield from add(backlog, entry)
        monkeypatch.undo()
        cluster.cycle()

    monkeypatch.setattr(SeparateBacklog, "add", add_and_flush)
    cluster.delete()
    cluster.cycle()

    assert cluster.rows() == {}
    assert is_backlog_empty(cluster)


def test_a_server_that_lost_its_data_is_restored(cluster):
    for number in range(40):
        cluster.save(position=number, user=f"user-{number}")
    cluster.cycle()
    cluster.delete(user="user-3")
    cluster.redis.node("{user-1}").flushall()

    assert cluster.archive.cycle().restored > 0
    for number in set(range(40)) - {3}:
        assert cluster.get(user=f"user-{number}").position == number
    assert cluster.archive.backlog.restored()


def test_under_load_the_archive_ends_equal_to_the_points(cluster):
    use_the_clocks_of_redis(cluster)
    load = Load(cluster.points)
    with load.running():
        for _ in range(5):
            cluster.cycle()
    cluster.cycle()

    assert cluster.rows() == load.model
    assert is_backlog_empty(cluster)


def test_a_deletion_through_a_host_that_is_ahead_spares_a_newer_archived_row(clocks):
    """The host is an hour ahead. So a comparison of its time with the row would erase the row."""
    clocks.save(position=10)
    next_millisecond()
    clocks.delete()
    next_millisecond()
    clocks.save(position=20)
    entries = pending(clocks)
    clocks.cycle()
    lose_the_hash(clocks)
    put_back(clocks, entries)
    clocks.cycle()

    assert clocks.row()["position"] == 20
    assert is_backlog_empty(clocks)


@pytest.mark.parametrize("is_batch", [False, True])
def test_a_deletion_that_failed_spares_the_archived_row(clocks, monkeypatch, is_batch):
    """Its early entry is in the backlog, but the client has got a 503."""
    clocks.save(position=10)
    clocks.cycle()
    lose_the_hash(clocks)
    deletion = Mark("ann", "v", epoch_ms(clocks.now[0]), EventType.DELETE)
    with monkeypatch.context() as patch:
        patch.setattr(RedisRouter, "run", failing)
        patch.setattr(RedisRouter, "run_each", failing_each)
        if is_batch:
            assert [type(each) for each in clocks.points.batch([deletion])] == [Unavailable]
        else:
            with pytest.raises(Unavailable):
                clocks.points.mark(deletion)
    assert clocks.archive.backlog.stats().erased == 1
    clocks.cycle()

    assert clocks.row()["position"] == 10
    assert is_backlog_empty(clocks)


def test_a_failed_deletion_does_not_hide_an_earlier_one_that_is_done(clocks, monkeypatch):
    clocks.save(position=10)
    clocks.cycle()
    clocks.points = store_on(clocks.redis, max_points=1)
    next_millisecond()
    clocks.delete()
    next_millisecond()
    clocks.delete("other")  # Redis keeps only this tombstone
    with monkeypatch.context() as patch:
        patch.setattr(RedisRouter, "run", failing)
        with pytest.raises(Unavailable):
            clocks.delete()
    clocks.cycle()

    assert clocks.rows() == {}


def test_a_deletion_in_a_batch_is_dated_by_the_clock_of_redis(clocks):
    clocks.save(position=10)
    clocks.cycle()
    lose_the_hash(clocks)
    clocks.points = store_on(clocks.redis, max_points=1)
    hour_ago = Mark("ann", "v", epoch_ms(clocks.now[0]), EventType.DELETE, 3_600_000)
    now = Mark("ann", "other", epoch_ms(clocks.now[0]), EventType.DELETE)
    clocks.points.batch([now, hour_ago])
    clocks.cycle()

    assert clocks.row()["position"] == 10


def test_an_old_event_of_a_batch_has_the_lag_of_its_arrival(cluster):
    now_ms, age_ms = epoch_ms(cluster.now[0]), 20 * 24 * 3_600_000
    mark = Mark("ann", "marked", now_ms, EventType.WATCHED, age_ms)
    cluster.points.batch([Measurement("ann", "saved", now_ms, 10, age_ms=age_ms), mark])
    cluster.points.mark(mark)

    assert cluster.archive.backlog.stats().oldest_ms == now_ms


def failing(*_args):
    raise Unavailable
    yield


def failing_each(_router, _name, _script, calls):
    return [Unavailable() for _ in calls]
    yield


def pending(stores):
    """The entries of the backlog: for each key, each member and its score."""
    keys = [key for each in Keys(hash_tags=True).of_backlog() for key in each[:2]]
    found = {key: stores.redis.node(key).zrange(key, 0, -1, withscores=True) for key in keys}
    return {key: dict(entries) for key, entries in found.items() if entries}


def put_back(stores, entries):
    """Redis has lost the end of a flush, for example by a failover."""
    for key, scores in entries.items():
        stores.redis.node(key).zadd(key, scores)
