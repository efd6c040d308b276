"""The archive with a Redis Cluster, where points and backlog entries are on different servers."""

from __future__ import annotations

from datetime import UTC, datetime

import psycopg
import pytest

from resume_service.archive.cycle import ArchiveCycle
from resume_service.redis.router import RedisRouter
from resume_service.redis.servers import connect
from resume_service.resume.keys import Keys
from resume_service.resume.model import PointSettings
from resume_service.resume.separate_backlog import SeparateBacklog
from resume_service.resume.store import ResumeStore
from resume_service.settings import Settings
from tests.support.archive_load import Load
from tests.support.archive_stores import Stores
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
    points = Executed(
        ResumeStore(
            RedisRouter(servers),
            Keys(hash_tags=True),
            PointSettings.from_settings(Settings()),
            archive=True,
            fixed_clock=True,
        )
    )
    with psycopg.connect(database, autocommit=True) as sql:
        yield Stores(servers, database, archive, points, sql, now)


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
    load = Load(cluster.points)
    with load.running():
        for _ in range(5):
            cluster.cycle()
    cluster.cycle()

    assert cluster.rows() == load.model
    assert is_backlog_empty(cluster)
