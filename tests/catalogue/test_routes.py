"""The routes of streams and view logs, which are there only with a database: closed, and documented."""

from __future__ import annotations

import re

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from resume_service import create_app
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


def test_every_route_is_in_this_files_table(app):
    routes = {
        f"{method} {documented(rule.rule)}"
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith(ENDPOINTS)
        for method in rule.methods - {"OPTIONS"}
    }

    assert routes == set(CLOSED)


@pytest.mark.parametrize("route", CLOSED)
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer broken"}])
def test_each_is_closed_to_who_has_no_token(client, route, headers):
    method, path = route.split()
    answer = client.open(re.sub("{.*?}", "1", path), method=method, headers=headers)

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_they_are_absent_without_a_database(settings, real_redis):
    rules = create_app(settings, client=real_redis).url_map.iter_rules()

    assert not [rule for rule in rules if rule.rule.startswith("/v1/")]


def test_the_document_is_valid_and_names_how_each_fails(client, paths):
    document = client.get("/openapi.json").get_json()
    assert [fault.message for fault in OpenAPIV31SpecValidator(document).iter_errors()] == []

    expected = {"401", "403", "404", "500", "503"}
    stream = paths["/v1/videos/stream/{video_id}"]["get"]
    assert expected | {"200", "206", "304", "416", "502", "504"} <= set(stream["responses"])
    assert {"quality", "Range", "If-Range", "If-None-Match"} == {
        each["name"] for each in stream["parameters"]
    }
    log = paths["/v1/view-logs"]["post"]
    assert expected | {"200", "201", "400", "413", "415", "422"} <= set(log["responses"])
    asked = paths["/v1/view-logs/{user_id}/{video_id}"]["get"]
    assert expected | {"200"} <= set(asked["responses"])
    assert all(each["summary"] for each in (stream, log, asked))


def example(operation, status):
    return operation["responses"][str(status)]["content"]["application/json"]["example"]


def test_the_examples_are_what_the_service_says(client, catalogue, paths, origin):
    given = {"email": "a@example.com", "password_hash": "", "role": "guest"}
    sql, log = catalogue.sql, paths["/v1/view-logs"]["post"]
    body = log["requestBody"]["content"]["application/json"]["example"]
    told = example(log, 201)
    sql.execute("SELECT setval(pg_get_serial_sequence('users', 'id'), 1000)")
    sql.execute("DELETE FROM users WHERE id = %s", (told["user_id"],))
    stranger = catalogue.caller(catalogue.user(company=1))
    sql.execute(
        "INSERT INTO users (id, email, password_hash, role, corporation_id)"
        " VALUES (%(id)s, %(email)s, %(password_hash)s, %(role)s, %(company)s)",
        given | {"id": told["user_id"], "company": catalogue.companies[0]},
    )
    video = catalogue.video(origin.url("502"), id=body["video_id"])
    me = catalogue.caller(told["user_id"])

    def post(caller, sent=body):
        return client.post("/v1/view-logs", json=sent, headers=caller)

    for status in (201, 200):
        answer = post(me)
        assert answer.status_code == status
        dated = answer.get_json() | {"created_at": example(log, status)["created_at"]}
        assert dated == example(log, status)
    path = f"/v1/view-logs/{told['user_id']}/{video}"
    asked = paths["/v1/view-logs/{user_id}/{video_id}"]["get"]
    assert client.get(path, headers=me).get_json() == example(asked, 200)

    service = bearer("backend", role="service")
    stream = paths["/v1/videos/stream/{video_id}"]["get"]
    real = [
        (asked, 404, client.get(f"/v1/view-logs/{10**9}/{video}", headers=service)),
        (asked, 403, client.get(path, headers=stranger)),
        (log, 404, post(service)),
        (log, 403, post(stranger)),
        (log, 422, post(me, {"video_id": "7"})),
        (stream, 404, client.get(f"/v1/videos/stream/{10**9}", headers=me)),
        (stream, 403, client.get(f"/v1/videos/stream/{video}", headers=stranger)),
        (stream, 502, client.get(f"/v1/videos/stream/{video}", headers=me)),
    ]
    for operation, status, answer in real:
        assert answer.status_code == status
        assert answer.get_json() == example(operation, status)
