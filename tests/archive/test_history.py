"""`/api/history` lists the archived points of the caller, newest first."""

from __future__ import annotations

import contextlib
import re
import time
from datetime import timedelta

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from resume_service import create_app
from resume_service.postgres.database import Database
from tests.support.archive_stores import settings_of
from tests.support.eventually import eventually
from tests.support.long_timeouts import long_timeout_app
from tests.support.server_faults import frozen
from tests.support.tokens import bearer

MAX_SECONDS = 1.0


@pytest.fixture
def client_by(stores):
    """`client_by(create)` returns a client of an application that `create` makes on `stores`."""
    with contextlib.ExitStack() as stack:

        def client(create):
            settings = settings_of(stores.redis, stores.database_url)
            app = create(settings, clock=lambda: stores.now[0])
            stack.callback(app.extensions["resume_service"].get(Database).close)
            return app.test_client()

        yield client


@pytest.fixture
def client(client_by):
    return client_by(long_timeout_app)


@pytest.fixture
def short_timeout_client(client_by, short_collections):
    """A client of the application with the timeouts of production."""
    return client_by(create_app)


def history(client, query="", user="ann", **headers):
    return client.get(f"/api/history{query}", headers=bearer(user) | headers)


def videos(answer):
    return [point["videoId"] for point in answer.get_json()]


def next_of(answer):
    return re.fullmatch(r'</api/history(\?.*)>; rel="next"', answer.headers["Link"])[1]


def test_the_history_shows_archived_points_newest_first(client, stores):
    stores.save("v1", 100, duration=100)
    watched = stores.now[0]
    stores.pass_time(days=40)
    stores.save("v2", 7)
    stores.save("other", user="bob")
    stores.cycle()
    stores.expire("v1")

    answer = history(client)

    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Link" not in answer.headers
    at = watched.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    assert answer.get_json() == [
        {
            "videoId": "v2",
            "currentTime": 7,
            "watched": False,
            "updatedAt": stores.now[0].strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        },
        {
            "videoId": "v1",
            "currentTime": 100,
            "duration": 100,
            "percent": 100,
            "watched": True,
            "watchedAt": at,
            "completedAt": at,
            "updatedAt": at,
        },
    ]


def test_a_user_without_archived_points_has_an_empty_history(client):
    assert history(client).get_json() == []


def test_pages_miss_no_points_of_the_same_time(client, stores):
    for number in range(7):
        stores.save(f"v{number}", measured_at=stores.now[0] + timedelta(seconds=number // 3))
    stores.cycle()
    listed, query = [], "?limit=2"
    while query:
        page = history(client, query)
        listed += videos(page)
        query = next_of(page) if "Link" in page.headers else ""

    assert listed == ["v6", "v5", "v4", "v3", "v2", "v1", "v0"]


@pytest.mark.parametrize("query", ["?limit=0", "?limit=101", "?limit=x", "?cursor=x", "?cursor=1-"])
def test_an_invalid_limit_or_cursor_gives_422(client, query):
    answer = history(client, query)

    assert answer.status_code == 422
    assert answer.get_json()["error"] == "Validation failed"


def test_the_history_needs_a_token(client):
    assert client.get("/api/history").status_code == 401


def test_without_an_archive_the_route_is_absent(real_redis, settings):
    client = create_app(settings, client=real_redis).test_client()

    assert history(client).status_code == 404
    assert "/api/history" not in client.get("/openapi.json").get_json()["paths"]


def test_the_route_is_documented_with_a_real_example(client, stores):
    document = client.get("/openapi.json").get_json()
    described = document["paths"]["/api/history"]["get"]
    (example,) = described["responses"]["200"]["content"]["application/json"]["example"]
    stores.save("12345", 5400, duration=5400)
    stores.cycle()
    (answered,) = history(client).get_json()

    assert [str(fault) for fault in OpenAPIV31SpecValidator(document).iter_errors()] == []
    assert set(described["responses"]) == {"200", "401", "422", "500", "503"}
    assert answered.keys() == example.keys()
    assert {k: v for k, v in answered.items() if not k.endswith("At")} == {
        k: v for k, v in example.items() if not k.endswith("At")
    }
    refused = described["responses"]["422"]["content"]["application/json"]["example"]
    assert history(client, "?limit=0").get_json() == refused


@pytest.mark.alone
def test_a_hanging_postgres_gives_503_within_a_second_and_then_recovers(
    short_timeout_client, postgres
):
    client = short_timeout_client
    assert history(client).status_code == 200
    with frozen(postgres):
        for _ in range(2):  # on the open connection, then on a new one
            started = time.monotonic()
            answer = history(client)
            assert time.monotonic() - started < MAX_SECONDS
            assert answer.status_code == 503
            assert int(answer.headers["Retry-After"]) >= 1

    eventually(lambda: history(client).status_code == 200)


def test_the_history_reconnects_after_postgres_ended_its_sessions(client, stores):
    assert history(client).status_code == 200
    stores.sql.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE pid <> pg_backend_pid() AND datname = current_database()"
    )

    assert history(client).status_code == 200
