"""The examples of `/v1` in the OpenAPI document are answers the service really gives."""

from __future__ import annotations

import re

import pytest

from tests.support.fixtures.companies import SERVICE, from_a_client_of_its_own
from tests.support.long_timeouts import long_timeout_app

UNKNOWABLE = {
    "id", "corporation_id", "created_at", "updated_at", "expires_at",
    "access_token", "refresh_token",
}  # fmt: skip


@pytest.fixture
def app_client(client_with):
    """The application with its document."""
    return client_with(long_timeout_app)


@pytest.fixture
def document(app_client):
    return app_client.get("/openapi.json").get_json()


@pytest.fixture
def example(document):
    """`example(method, path)`: what is sent, the status, and what is answered, as documented."""

    def of(method, path):
        operation = document["paths"][path][method]
        body = operation.get("requestBody", {})
        [(status, answer)] = [
            (n, each) for n, each in operation["responses"].items() if n.startswith("2")
        ]
        return content_of(body).get("example"), int(status), content_of(answer).get("example")

    return of


def content_of(part):
    return part.get("content", {}).get("application/json", {})


def known(answer):
    """`answer` without what no example can know."""
    if isinstance(answer, list):
        return [known(each) for each in answer]
    return {name: value for name, value in answer.items() if name not in UNKNOWABLE}


@pytest.fixture
def try_(app_client, example):
    """`try_(method, template, headers, …)`: the answer, after it was held against its example."""

    def tried(method, template, headers, sent=None, **values):
        body, status, answer = example(method, template)
        path = re.sub(r"{(\w+)}", lambda found: str(values[found[1]]), template)
        given = app_client.open(
            path, method=method.upper(), headers=headers | from_a_client_of_its_own(),
            json=(body or {}) | (sent or {}) if body or sent else None,
        )  # fmt: skip
        assert given.status_code == status, given.text
        if answer is not None:
            assert known(given.get_json()) == known(answer)
        return given.get_json(silent=True)

    return tried


def test_a_day_in_the_life_of_a_company_goes_as_documented(try_):
    company = try_("post", "/v1/corporations", {})["id"]
    pair = try_("post", "/v1/auth/login", {})
    admin = {"Authorization": f"Bearer {pair['access_token']}"}
    ids = {"corporation_id": company}
    try_("get", "/v1/corporations", {})
    try_("get", "/v1/corporations/id/{corporation_id}", {}, **ids)
    try_("get", "/v1/corporations/{name}", {}, name="Example Films", **ids)

    bob = try_("post", "/v1/users", admin, **ids)["id"]
    try_("get", "/v1/users/id/{user_id}", admin, user_id=bob, **ids)
    try_("get", "/v1/users/{email}", admin, email="bob@example.com", **ids)
    try_("put", "/v1/users/{user_id}", admin, user_id=bob, **ids)

    video = try_("post", "/v1/videos", admin, **ids)["id"]
    try_("get", "/v1/videos", {}, **ids)
    try_("get", "/v1/videos/id/{video_id}", {}, video_id=video, **ids)
    try_("get", "/v1/videos/{corporation_id}", pair_of_guest(try_), **ids)
    try_("put", "/v1/videos/{video_id}", admin, video_id=video, **ids)
    try_("delete", "/v1/videos/{video_id}", admin, video_id=video)
    try_("put", "/v1/videos/{video_id}/restore", admin, video_id=video, **ids)

    try_("put", "/v1/corporations/{corporation_id}", admin, **ids)
    try_("delete", "/v1/users/{user_id}", admin, user_id=bob)
    newer = try_("post", "/v1/auth/refresh", {}, {"refresh_token": pair["refresh_token"]})
    try_("post", "/v1/auth/logout", {}, {"refresh_token": newer["refresh_token"]})
    try_("delete", "/v1/corporations/{corporation_id}", SERVICE, **ids)


def pair_of_guest(try_):
    bob = {"email": "bob@example.com", "password": "battery staple"}
    pair = try_("post", "/v1/auth/login", {}, bob)
    return {"Authorization": f"Bearer {pair['access_token']}"}
