"""Calls of `/v1` through gunicorn while Postgres or Redis is down or hangs."""

from __future__ import annotations

import contextlib
import json
import time
from http.client import HTTPConnection

import psycopg
import pytest

from dev.redis_server import RedisServer
from dev.service import Service, free_port
from resume_service.postgres import migrate
from tests.support.eventually import eventually
from tests.support.fixtures.companies import PASSWORD, SERVICE
from tests.support.load_clients import Response, Viewer
from tests.support.server_faults import frozen, killed
from tests.support.tokens import SECRET

ANN = {"email": "ann@acme.example", "password": PASSWORD}
COMPANY = {"name": "acme", "admin_email": ANN["email"], "admin_password": PASSWORD}
RESPONSE_SECONDS = 1.0

pytestmark = pytest.mark.alone


class Caller:
    def __init__(self, port):
        self.port = port

    def ask(self, method, path, body=None, headers=None):
        """Send a request on a new connection; return the response."""
        all_headers = {"Content-Type": "application/json"} | (headers or {})
        started = time.perf_counter()
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        with contextlib.closing(connection):
            connection.request(method, path, json.dumps(body) if body else None, all_headers)
            response = connection.getresponse()
            content = response.read()
        seconds = time.perf_counter() - started
        return Response(response.status, dict(response.headers), content, seconds)

    def companies(self):
        """The names of all companies, as soon as Postgres is reachable."""
        eventually(lambda: self.ask("GET", "/v1/corporations").status == 200)
        return [company["name"] for company in self.ask("GET", "/v1/corporations").json]


@pytest.fixture(scope="module")
def servers(postgres_servers, tmp_path_factory):
    """A Postgres, a Redis and a service with one worker. Each test repairs what it breaks."""
    folder = tmp_path_factory.mktemp("site")
    postgres, redis = postgres_servers(), RedisServer(folder / "redis", port=free_port())
    service = Service(
        folder / "service.log",
        REDIS_URL=redis.url, DATABASE_URL=postgres.url, JWT_SECRET=SECRET, WEB_CONCURRENCY="1",
        MEDIA_ROOT=str(folder),
    )  # fmt: skip
    try:
        postgres.start()
        redis.start()
        migrate.upgrade(postgres.url)
        service.start()
        yield postgres, redis, service
    finally:
        service.kill()
        redis.kill()
        if postgres.is_running():
            postgres.kill()


@pytest.fixture
def site(servers):
    """A caller of the service, its Postgres and its Redis. There is one company."""
    postgres, redis, service = servers
    with psycopg.connect(postgres.url, autocommit=True) as sql:
        sql.execute("TRUNCATE corporations CASCADE")
    redis.client.flushall()
    caller = Caller(service.port)
    assert caller.companies() == []
    assert caller.ask("POST", "/v1/corporations", COMPANY).status == 201
    return caller, postgres, redis


def call_v1(ask):
    return [
        ask("POST", "/v1/auth/login", ANN),
        ask("POST", "/v1/auth/refresh", {"refresh_token": "x"}),
        ask("POST", "/v1/corporations", COMPANY | {"name": "b", "admin_email": "b@b.example"}),
        ask("GET", "/v1/corporations"),
        ask("GET", "/v1/users?corporation_id=1", headers=SERVICE),
        ask("GET", "/v1/videos"),
        ask("POST", "/v1/videos", {"name": "F", "file_path": "f.mp4", "corporation_id": 1},
            headers=SERVICE),
    ]  # fmt: skip


def assert_unavailable(responses):
    assert {response.status for response in responses} == {503}
    assert all("Retry-After" in response.headers for response in responses)
    assert max(response.seconds for response in responses) < RESPONSE_SECONDS


def test_while_postgres_hangs_v1_is_503_and_stores_nothing(site):
    caller, postgres, _ = site
    with frozen(postgres):
        assert_unavailable(call_v1(caller.ask))

    eventually(lambda: caller.ask("POST", "/v1/auth/login", ANN).status == 200)
    assert caller.companies() == ["acme"]


def test_without_postgres_v1_is_503_stores_nothing_and_saves_succeed(site):
    caller, postgres, _ = site
    with killed(postgres):
        assert_unavailable(call_v1(caller.ask))
        assert Viewer(caller.port).save().status == 204

    assert caller.companies() == ["acme"]
    eventually(lambda: caller.ask("POST", "/v1/auth/login", ANN).status == 200)


def test_without_redis_login_is_503_but_lists_and_refresh_work(site):
    """Redis counts the attempts. Without a count, an attacker could guess passwords."""
    caller, _, redis = site
    with killed(redis):
        assert_unavailable([caller.ask("POST", "/v1/auth/login", ANN) for _ in range(3)])
        assert caller.ask("GET", "/v1/corporations").status == 200
        assert caller.ask("POST", "/v1/auth/refresh", {"refresh_token": "x"}).status == 401
