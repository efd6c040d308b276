"""What callers of `/v1` see when a store is gone or hangs, through the real server."""

from __future__ import annotations

import json
import time
from http.client import HTTPConnection

import pytest
from callers import SECRET
from eventually import eventually
from load_clients import Viewer
from server_breakages import frozen
from v1.conftest import PASSWORD, SERVICE

from dev.redis_server import RedisServer
from dev.service import Service, free_port
from resume_service.postgres import migrate

ANN = {"email": "ann@acme.example", "password": PASSWORD}
COMPANY = {"name": "acme", "admin_email": ANN["email"], "admin_password": PASSWORD}


class Caller:
    def __init__(self, port):
        self.port = port

    def ask(self, method, path, body=None, headers=None):
        """Status, JSON and seconds."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        sent = {"Content-Type": "application/json"} | (headers or {})
        started = time.perf_counter()
        connection.request(method, path, json.dumps(body) if body else None, sent)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        parsed = json.loads(content) if content else None
        return answer.status, parsed, time.perf_counter() - started, answer.headers


@pytest.fixture
def own(postgres_servers, tmp_path):
    """A Postgres, a Redis and a service of one process, for this test to break."""
    postgres = postgres_servers()
    postgres.start()
    migrate.upgrade(postgres.url)
    redis = RedisServer(tmp_path / "redis", port=free_port())
    redis.start()
    service = Service(
        tmp_path / "service.log",
        REDIS_URL=redis.url, DATABASE_URL=postgres.url, JWT_SECRET=SECRET, WEB_CONCURRENCY="1",
        MEDIA_ROOT=str(tmp_path),
    )  # fmt: skip
    service.start()
    yield Caller(service.port), postgres, redis
    service.kill()
    if redis.is_running():
        redis.kill()
    postgres.kill()


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


def are_unavailable(calls):
    assert {status for status, *_ in calls} == {503}
    assert all("Retry-After" in headers for *_, headers in calls)
    assert max(seconds for _, _, seconds, _ in calls) < 1.2  # on a busy machine


def test_while_postgres_hangs_v1_is_503_within_a_second_and_right_again_after(own):
    caller, postgres, _ = own
    assert caller.ask("POST", "/v1/corporations", COMPANY)[0] == 201
    with frozen(postgres):
        are_unavailable(v1_calls(caller.ask))

    eventually(lambda: caller.ask("POST", "/v1/auth/login", ANN)[0] == 200)
    _, companies, *_ = caller.ask("GET", "/v1/corporations")
    assert [company["name"] for company in companies] == ["acme"]


def test_without_postgres_v1_is_503_and_saves_go_on_and_nothing_is_half_made(own):
    caller, postgres, _ = own
    assert caller.ask("POST", "/v1/corporations", COMPANY)[0] == 201
    postgres.kill()
    are_unavailable(v1_calls(caller.ask))
    viewer = Viewer(caller.port, "ann")
    assert viewer.save().status == 204
    viewer.close()
    postgres.start()

    _, companies, *_ = caller.ask("GET", "/v1/corporations")
    assert [company["name"] for company in companies] == ["acme"]
    assert caller.ask("POST", "/v1/auth/login", ANN)[0] == 200


def test_without_redis_nobody_guesses_passwords_unlimited_and_the_rest_of_v1_goes_on(own):
    caller, _, redis = own
    assert caller.ask("POST", "/v1/corporations", COMPANY)[0] == 201
    redis.kill()
    signing_in = [caller.ask("POST", "/v1/auth/login", ANN) for _ in range(3)]

    are_unavailable(signing_in)
    assert caller.ask("GET", "/v1/corporations")[0] == 200
    assert caller.ask("POST", "/v1/auth/refresh", {"refresh_token": "x"})[0] == 401
