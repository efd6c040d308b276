"""`/healthz` and `/readyz`, while Redis and Postgres run, are down, and are frozen."""

from __future__ import annotations

import time

import pytest

from dev.redis_server import RedisServer
from dev.service import free_port
from resume_service import create_app
from resume_service.postgres import database
from resume_service.settings import Settings
from tests.support.eventually import eventually
from tests.support.server_faults import frozen
from tests.support.tokens import SECRET

MAX_SECONDS = 1.0


@pytest.fixture(scope="module")
def own_redis(tmp_path_factory):
    server = RedisServer(tmp_path_factory.mktemp("redis"), port=free_port())
    server.start()
    yield server
    server.kill()


def client_on(server, **settings):
    """A client of an application that connects to the Redis `server` itself."""
    return create_app(Settings(jwt_secret=SECRET, redis_url=server.url, **settings)).test_client()


def assert_not_ready(app, parts):
    """`/readyz` names these parts as failing, within a second."""
    started = time.monotonic()
    answer = app.get("/readyz")
    seconds = time.monotonic() - started

    assert (answer.status_code, answer.get_json()) == (503, {"error": f"Not ready: {parts}"})
    assert int(answer.headers["Retry-After"]) >= 1
    assert seconds < MAX_SECONDS


def is_ready(app):
    return app.get("/readyz").status_code == 200


@pytest.fixture
def always_probed(monkeypatch):
    """Each request probes Postgres, without the second in which the last probe counts."""
    monkeypatch.setattr(database, "FRESH_SECONDS", 0.0)


def test_healthz_is_200_without_a_token(client):
    answer = client.get("/healthz")

    assert (answer.status_code, answer.get_json()) == (200, {"status": "ok"})


def test_healthz_does_not_need_redis():
    nowhere = f"redis://127.0.0.1:{free_port()}"
    app = create_app(Settings(jwt_secret=SECRET, redis_url=nowhere)).test_client()

    assert app.get("/healthz").status_code == 200
    assert app.get("/readyz").status_code == 503


def test_without_an_archive_readyz_reports_the_database_as_off(client):
    answer = client.get("/readyz")

    assert (answer.status_code, answer.get_json()) == (200, {"redis": "ok", "database": "off"})


def test_with_an_archive_readyz_reports_redis_and_database(own_redis, postgres):
    answer = client_on(own_redis, database_url=postgres.url).get("/readyz")

    assert (answer.status_code, answer.get_json()) == (200, {"redis": "ok", "database": "ok"})


def test_frozen_redis_is_reported_within_a_second_and_recovers(own_redis):
    app = client_on(own_redis)
    assert is_ready(app)

    with frozen(own_redis):
        assert_not_ready(app, "redis")
        assert app.get("/healthz").status_code == 200

    eventually(lambda: is_ready(app))


def test_killed_redis_is_reported_within_a_second(tmp_path):
    server = RedisServer(tmp_path, port=free_port())
    server.start()
    app = client_on(server)
    assert is_ready(app)
    server.kill()

    assert_not_ready(app, "redis")


def test_unreachable_postgres_is_reported_within_a_second(own_redis):
    app = client_on(
        own_redis, database_url=f"postgresql://postgres@127.0.0.1:{free_port()}/postgres"
    )

    assert_not_ready(app, "database")


def test_stopped_postgres_is_reported_within_a_second(own_redis, postgres_servers, always_probed):
    server = postgres_servers()
    server.start()
    app = client_on(own_redis, database_url=server.url)
    assert is_ready(app)

    server.stop()
    assert_not_ready(app, "database")


def test_frozen_postgres_is_reported_within_a_second_and_recovers(own_redis, postgres):
    app = client_on(own_redis, database_url=postgres.url)

    with frozen(postgres):
        assert_not_ready(app, "database")

    eventually(lambda: is_ready(app))


def test_frozen_redis_and_postgres_are_both_reported_within_a_second(
    own_redis, postgres, always_probed
):
    app = client_on(own_redis, database_url=postgres.url)
    assert is_ready(app)

    with frozen(own_redis, postgres):
        assert_not_ready(app, "redis, database")
