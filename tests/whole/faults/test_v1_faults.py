"""What callers of `/v1` see when a store is gone or hangs, through the real server."""

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
from tests.support.load_clients import Answer, Viewer
from tests.support.server_faults import frozen, killed
from tests.support.tokens import SECRET

ANN = {"email": "ann@acme.example", "password": PASSWORD}
COMPANY = {"name": "acme", "admin_email": ANN["email"], "admin_password": PASSWORD}
WITHIN = 1.0
"""Seconds."""

pytestmark = pytest.mark.alone


class Caller:
    def __init__(self, port):
        self.port = port

    def ask(self, method, path, body=None, headers=None):
        """The answer, on a connection of its own."""
        sent = {"Content-Type": "application/json"} | (headers or {})
        started = time.perf_counter()
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        with contextlib.closing(connection):
            connection.request(method, path, json.dumps(body) if body else None, sent)
            answer = connection.getresponse()
            content = answer.read()
        seconds = time.perf_counter() - started
        return Answer(answer.status, dict(answer.headers), content, seconds)

    def companies(self):
        """The names of those that are there, asked until Postgres is at hand again."""
        eventually(lambda: self.ask("GET", "/v1/corporations").status == 200)
        return [company["name"] for company in self.ask("GET", "/v1/corporations").json]


@pytest.fixture(scope="module")
def site(postgres_servers, tmp_path_factory):
    """A Postgres, a Redis and a service of one process, for these tests to break and mend."""
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
def own(site):
    """A caller of that service, which knows one company, its Postgres and its Redis."""
    postgres, redis, service = site
    with psycopg.connect(postgres.url, autocommit=True) as sql:
        sql.execute("TRUNCATE corporations CASCADE")
    redis.client.flushall()
    caller = Caller(service.port)
    assert caller.companies() == []
    assert caller.ask("POST", "/v1/corporations", COMPANY).status == 201
    return caller, postgres, redis


def v1_calls(ask):
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


def are_unavailable(answers):
    assert {answer.status for answer in answers} == {503}
    assert all("Retry-After" in answer.headers for answer in answers)
    assert max(answer.seconds for answer in answers) < WITHIN


def test_while_postgres_hangs_v1_is_503_within_a_second_and_right_again_after(own):
    caller, postgres, _ = own
    with frozen(postgres):
        are_unavailable(v1_calls(caller.ask))

    eventually(lambda: caller.ask("POST", "/v1/auth/login", ANN).status == 200)
    assert caller.companies() == ["acme"]


def test_without_postgres_v1_is_503_and_saves_go_on_and_nothing_is_half_made(own):
    caller, postgres, _ = own
    with killed(postgres):
        are_unavailable(v1_calls(caller.ask))
        assert Viewer(caller.port).save().status == 204

    assert caller.companies() == ["acme"]
    eventually(lambda: caller.ask("POST", "/v1/auth/login", ANN).status == 200)


def test_without_redis_nobody_guesses_passwords_unlimited_and_the_rest_of_v1_goes_on(own):
    caller, _, redis = own
    with killed(redis):
        are_unavailable([caller.ask("POST", "/v1/auth/login", ANN) for _ in range(3)])
        assert caller.ask("GET", "/v1/corporations").status == 200
        assert caller.ask("POST", "/v1/auth/refresh", {"refresh_token": "x"}).status == 401
