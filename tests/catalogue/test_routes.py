"""The routes of streams and view logs: authentication, and their OpenAPI document."""

from __future__ import annotations

import re

import pytest

from tests.support.tokens import bearer

CLOSED = [
    "GET /v1/videos/stream/{video_id}",
    "HEAD /v1/videos/stream/{video_id}",
    "GET /v1/view-logs/{user_id}/{video_id}",
    "HEAD /v1/view-logs/{user_id}/{video_id}",
    "POST /v1/view-logs",
]
ENDPOINTS = ("streams.", "view_logs.")


@pytest.fixture
def paths(client):
    return client.get("/openapi.json").get_json()["paths"]


def documented(rule):
    return re.sub(r"<(?:[^:>]*:)?([a-z_]+)>", r"{\1}", rule)


def test_closed_lists_every_route(app):
    routes = {
        f"{method} {documented(rule.rule)}"
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith(ENDPOINTS)
        for method in rule.methods - {"OPTIONS"}
    }

    assert routes == set(CLOSED)


@pytest.mark.parametrize("route", CLOSED)
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer broken"}])
def test_each_route_without_a_valid_token_is_401(client, route, headers):
    method, path = route.split()
    answer = client.open(re.sub("{.*?}", "1", path), method=method, headers=headers)

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_the_openapi_document_lists_the_errors_of_each_route(paths):
    expected = {"401", "403", "404", "500", "503"}
    stream = paths["/v1/videos/stream/{video_id}"]["get"]
    assert expected | {"200", "206", "304", "416", "502", "504"} <= set(stream["responses"])
    assert {"quality", "Range", "If-Range", "If-None-Match"} == {
        each["name"] for each in stream["parameters"]
    }
    log = paths["/v1/view-logs"]["post"]
    assert expected | {"200", "201", "400", "413", "415", "422"} <= set(log["responses"])
    read = paths["/v1/view-logs/{user_id}/{video_id}"]["get"]
    assert expected | {"200"} <= set(read["responses"])
    assert all(each["summary"] for each in (stream, log, read))


def example(operation, status):
    return operation["responses"][str(status)]["content"]["application/json"]["example"]


def test_the_documented_examples_are_real_responses(client, catalogue, paths, origin):
    given = {"email": "a@example.com", "password_hash": "", "role": "guest"}
    sql, log = catalogue.sql, paths["/v1/view-logs"]["post"]
    body = log["requestBody"]["content"]["application/json"]["example"]
    logged = example(log, 201)
    sql.execute("SELECT setval(pg_get_serial_sequence('users', 'id'), 1000)")
    sql.execute("DELETE FROM users WHERE id = %s", (logged["user_id"],))
    foreign = catalogue.caller(catalogue.add_user(company=1))
    sql.execute(
        "INSERT INTO users (id, email, password_hash, role, corporation_id)"
        " VALUES (%(id)s, %(email)s, %(password_hash)s, %(role)s, %(company)s)",
        given | {"id": logged["user_id"], "company": catalogue.companies[0]},
    )
    video = catalogue.add_video(origin.url("502"), id=body["video_id"])
    me = catalogue.caller(logged["user_id"])

    def post(caller, sent=body):
        return client.post("/v1/view-logs", json=sent, headers=caller)

    for status in (201, 200):
        answer = post(me)
        assert answer.status_code == status
        dated = answer.get_json() | {"created_at": example(log, status)["created_at"]}
        assert dated == example(log, status)
    path = f"/v1/view-logs/{logged['user_id']}/{video}"
    read = paths["/v1/view-logs/{user_id}/{video_id}"]["get"]
    assert client.get(path, headers=me).get_json() == example(read, 200)

    service = bearer("backend", role="service")
    stream = paths["/v1/videos/stream/{video_id}"]["get"]
    real = [
        (read, 404, client.get(f"/v1/view-logs/{10**9}/{video}", headers=service)),
        (read, 403, client.get(path, headers=foreign)),
        (log, 404, post(service)),
        (log, 403, post(foreign)),
        (log, 422, post(me, {"video_id": "7"})),
        (stream, 404, client.get(f"/v1/videos/stream/{10**9}", headers=me)),
        (stream, 403, client.get(f"/v1/videos/stream/{video}", headers=foreign)),
        (stream, 502, client.get(f"/v1/videos/stream/{video}", headers=me)),
    ]
    for operation, status, answer in real:
        assert answer.status_code == status
        assert answer.get_json() == example(operation, status)
