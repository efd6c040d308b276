"""`/healthz` and `/readyz`, with every part they ask up, down and frozen."""

from __future__ import annotations

import time

import pytest

from dev.redis_server import RedisServer
from dev.service import free_port
from resume_service import create_app
from resume_service.postgres.database import FRESH_SECONDS
from resume_service.settings import Settings
from tests.support.eventually import eventually
from tests.support.server_faults import frozen
from tests.support.tokens import SECRET

PROMISED_SECONDS = 1.0


@pytest.fixture(scope="module")
def own_redis(tmp_path_factory):
    server = RedisServer(tmp_path_factory.mktemp("redis"), port=free_port())
    server.start()
    yield server
    server.kill()


def asked(server, **settings):
    """An application over the Redis at `server`, through the service's own connection."""
    return create_app(Settings(jwt_secret=SECRET, redis_url=server.url, **settings)).test_client()


def assert_not_ready(app, parts):
    """`app` names these parts as failing, in time."""
    started = time.monotonic()
    answer = app.get("/readyz")
    seconds = time.monotonic() - started

    assert (answer.status_code, answer.get_json()) == (503, {"error": f"Not ready: {parts}"})
    assert int(answer.headers["Retry-After"]) >= 1
    assert seconds < PROMISED_SECONDS


def is_ready(app):
    return app.get("/readyz").status_code == 200


def forget_the_database():
    """Wait until one that answered no longer counts as there."""
    time.sleep(FRESH_SECONDS)


def test_a_process_that_serves_is_healthy_and_needs_no_token(client):
    answer = client.get("/healthz")

    assert (answer.status_code, answer.get_json()) == (200, {"status": "ok"})


def test_health_touches_nothing():
    nowhere = f"redis://127.0.0.1:{free_port()}"
    app = create_app(Settings(jwt_secret=SECRET, redis_url=nowhere)).test_client()

    assert app.get("/healthz").status_code == 200
    assert app.get("/readyz").status_code == 503


def test_without_an_archive_the_database_is_off(client):
    answer = client.get("/readyz")

    assert (answer.status_code, answer.get_json()) == (200, {"redis": "ok", "database": "off"})


def test_with_an_archive_both_parts_are_asked(own_redis, postgres):
    answer = asked(own_redis, database_url=postgres.url).get("/readyz")

    assert (answer.status_code, answer.get_json()) == (200, {"redis": "ok", "database": "ok"})


def test_a_frozen_redis_is_named_within_a_second_and_is_ready_again_after(own_redis):
    app = asked(own_redis)
    assert is_ready(app)

    with frozen(own_redis):
        assert_not_ready(app, "redis")
        assert app.get("/healthz").status_code == 200

    eventually(lambda: is_ready(app))


def test_a_redis_that_is_gone_is_named_within_a_second(tmp_path):
    server = RedisServer(tmp_path, port=free_port())
    server.start()
    app = asked(server)
    assert is_ready(app)
    server.kill()

    assert_not_ready(app, "redis")


def test_a_database_that_is_gone_is_named_within_a_second(own_redis):
    app = asked(own_redis, database_url=f"postgresql://postgres@127.0.0.1:{free_port()}/postgres")

    assert_not_ready(app, "database")


def test_a_stopped_postgres_is_named_within_a_second(own_redis, postgres_servers):
    server = postgres_servers()
    server.start()
    app = asked(own_redis, database_url=server.url)
    assert is_ready(app)

    server.stop()
    forget_the_database()
    assert_not_ready(app, "database")


def test_a_frozen_postgres_is_named_within_a_second_and_is_ready_again_after(own_redis, postgres):
    app = asked(own_redis, database_url=postgres.url)

    with frozen(postgres):
        assert_not_ready(app, "database")

    eventually(lambda: is_ready(app))


def test_both_parts_frozen_are_both_named_within_a_second(own_redis, postgres):
    app = asked(own_redis, database_url=postgres.url)
    assert is_ready(app)

    with frozen(own_redis, postgres):
        forget_the_database()
        assert_not_ready(app, "redis, database")
