"""`/healthz` and `/readyz`, while Redis and Postgres run, are down, and refuse writes."""

from __future__ import annotations

import time

import pytest

from dev.redis_server import RedisServer
from dev.service import free_port
from resume_service import create_app
from resume_service.postgres.database import Database
from resume_service.settings import Settings
from resume_service.web import readiness
from tests.support.eventually import eventually
from tests.support.load_clients import in_parallel
from tests.support.redis_faults import (
    OUTAGES,
    full,
    read_only,
    unable_to_persist,
    without_replicas,
)
from tests.support.redis_topologies import RedisCluster6, SentinelTrio, running
from tests.support.server_faults import frozen
from tests.support.tokens import SECRET

MAX_SECONDS = 1.0
pytestmark = pytest.mark.usefixtures("short_collections")


@pytest.fixture(scope="module")
def own_redis(tmp_path_factory):
    server = RedisServer(tmp_path_factory.mktemp("redis"), port=free_port())
    server.start()
    yield server
    server.kill()


def client_on(server, **settings):
    """A client of an application that connects to the Redis `server` itself."""
    return create_app(Settings(jwt_secret=SECRET, redis_url=server.url, **settings)).test_client()


def asked(app):
    """The status and the body of `/readyz`, which answers within a second."""
    started = time.monotonic()
    answer = app.get("/readyz")
    seconds = time.monotonic() - started

    assert seconds < MAX_SECONDS
    if answer.status_code == 503:
        assert int(answer.headers["Retry-After"]) >= 1
    return answer.status_code, answer.get_json()


NOT_READY = (503, {"error": "Not ready: no Redis primary answers"})


def ready(redis="ok", database="off"):
    return 200, {"redis": redis, "database": database}


@pytest.fixture
def always_checked(monkeypatch):
    """Each request checks the servers, without the second in which the last result is used."""
    monkeypatch.setattr(readiness, "CACHE_SECONDS", 0.0)


def test_healthz_is_200_without_a_token(client):
    answer = client.get("/healthz")

    assert (answer.status_code, answer.get_json()) == (200, {"status": "ok"})


def test_healthz_does_not_need_redis():
    nowhere = f"redis://127.0.0.1:{free_port()}"
    app = create_app(Settings(jwt_secret=SECRET, redis_url=nowhere)).test_client()

    assert app.get("/healthz").status_code == 200
    assert app.get("/readyz").status_code == 503


def test_without_an_archive_readyz_reports_the_database_as_off(client):
    assert asked(client) == ready()


def test_with_an_archive_readyz_reports_redis_and_database(own_redis, postgres):
    assert asked(client_on(own_redis, database_url=postgres.url)) == ready(database="ok")


@pytest.mark.parametrize("fault", [full, unable_to_persist, without_replicas])
def test_redis_that_refuses_writes_is_degraded_and_ready(own_redis, always_checked, fault):
    """Reads and lists succeed. The other instances use the same Redis, so no traffic should move."""
    app = client_on(own_redis)

    with fault(own_redis):
        assert asked(app) == ready("degraded")
    assert asked(app) == ready("ok")


def test_user_without_permission_to_write_is_degraded(own_redis, always_checked):
    own_redis.client.execute_command(
        "ACL", "SETUSER", "reader", "on", "nopass", "~*", "+@read", "+@connection"
    )
    url = own_redis.url.replace("redis://", "redis://reader:any@")
    app = create_app(Settings(jwt_secret=SECRET, redis_url=url)).test_client()

    assert asked(app) == ready("degraded")


@pytest.mark.parametrize("fault", [*OUTAGES, read_only])
def test_redis_that_is_no_primary_or_does_not_answer_is_not_ready(tmp_path, always_checked, fault):
    server = RedisServer(tmp_path, port=free_port(), **{"lua-time-limit": "20"})
    server.start()
    try:
        app = client_on(server)
        assert asked(app) == ready()
        with fault(server):
            assert asked(app) == NOT_READY
            assert app.get("/healthz").status_code == 200
        eventually(lambda: asked(app) == ready())
    finally:
        server.kill()


def test_the_check_leaves_no_key(own_redis, always_checked):
    own_redis.client.flushall()
    assert asked(client_on(own_redis)) == ready()

    eventually(lambda: own_redis.client.dbsize() == 0, within=5)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    servers = RedisCluster6(tmp_path_factory.mktemp("cluster"))
    with running(servers):
        yield servers


def test_a_cluster_is_degraded_while_a_node_is_missing_and_not_ready_without_all(
    cluster, always_checked
):
    cluster.wait_until_healthy()
    settings = Settings(jwt_secret=SECRET, redis_url=cluster.url, redis_cluster=True)
    app = create_app(settings).test_client()
    masters = [cluster.master(key) for key in ("{a}", "{b}", "{c}")]
    assert len(set(masters)) == 3
    assert asked(app) == ready()

    with full(masters[0]):
        assert asked(app) == ready("degraded")
    with frozen(masters[0]):
        assert asked(app) == ready("degraded")
    with full(masters[1]), frozen(masters[0]):
        assert asked(app) == ready("degraded")
    with frozen(*cluster.servers):
        assert asked(app) == NOT_READY
    eventually(lambda: asked(app) == ready(), within=30)


@pytest.mark.only_soak
def test_sentinel_is_ready_after_a_failover_without_other_requests(
    tmp_path_factory, always_checked
):
    trio = SentinelTrio(tmp_path_factory.mktemp("trio"))
    with running(trio):
        trio.wait_until_healthy()
        app = create_app(Settings(jwt_secret=SECRET, redis_url=trio.url)).test_client()
        assert asked(app) == ready()

        with frozen(trio.master("any")):
            assert asked(app) == NOT_READY
            eventually(lambda: asked(app) == ready(), within=30)


def test_unreachable_postgres_is_reported_within_a_second(own_redis):
    url = f"postgresql://postgres@127.0.0.1:{free_port()}/postgres"

    assert asked(client_on(own_redis, database_url=url)) == ready(database="down")


def test_stopped_postgres_is_reported_within_a_second(own_redis, postgres_servers, always_checked):
    server = postgres_servers()
    server.start()
    app = client_on(own_redis, database_url=server.url)
    assert asked(app) == ready(database="ok")

    server.stop()
    assert asked(app) == ready(database="down")


def test_frozen_postgres_is_reported_within_a_second_and_recovers(
    own_redis, postgres, always_checked
):
    app = client_on(own_redis, database_url=postgres.url)

    with frozen(postgres):
        assert asked(app) == ready(database="down")

    eventually(lambda: asked(app) == ready(database="ok"))


def test_frozen_redis_and_postgres_are_not_ready_within_a_second(
    own_redis, postgres, always_checked
):
    app = client_on(own_redis, database_url=postgres.url)
    assert asked(app) == ready(database="ok")

    with frozen(own_redis, postgres):
        assert asked(app) == NOT_READY


@pytest.fixture
def checks(monkeypatch):
    """The checks of Redis and Postgres since the start of the test."""
    counted = []
    for place, name in ((readiness, "check_primaries"), (Database, "ping")):
        check = getattr(place, name)

        def counting(servers, check=check, name=name):
            counted.append(name)
            time.sleep(0.1)  # so that concurrent requests arrive during the check
            return check(servers)

        monkeypatch.setattr(place, name, counting)
    return counted


class Later:
    """Replaces the module `time` with a clock that is `ahead` seconds ahead."""

    ahead = 0.0

    def monotonic(self):
        return time.monotonic() + self.ahead


@pytest.fixture
def later(monkeypatch):
    replacement = Later()
    monkeypatch.setattr(readiness, "time", replacement)
    return replacement


def test_both_responses_are_used_for_a_second(own_redis, postgres, checks, later):
    app = client_on(own_redis, database_url=postgres.url)

    answers = in_parallel(16, lambda _: asked(app.application.test_client()))
    assert answers == [ready(database="ok")] * 16
    assert sorted(checks) == ["check_primaries", "ping"]
    with frozen(own_redis):
        assert asked(app) == ready(database="ok")
        later.ahead += 1.0
        answers = in_parallel(16, lambda _: asked(app.application.test_client()))
        assert answers == [NOT_READY] * 16
        assert sorted(checks) == ["check_primaries"] * 2 + ["ping"] * 2
    assert asked(app) == NOT_READY
    later.ahead += 1.0
    eventually(
        lambda: asked(app) == ready(database="ok") or setattr(later, "ahead", later.ahead + 1)
    )
