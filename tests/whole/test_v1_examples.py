"""The examples of `/v1` in the OpenAPI document are real responses of the service."""

from __future__ import annotations

import re

import pytest

from tests.support.fixtures.companies import SERVICE, from_new_address
from tests.support.long_timeouts import long_timeout_app

VARIABLE_FIELDS = {
    "id", "corporation_id", "created_at", "updated_at", "expires_at",
    "access_token", "refresh_token",
}  # fmt: skip
"""Fields with another value in each run."""


@pytest.fixture
def app_client(client_with):
    """A client of the application with its OpenAPI document."""
    return client_with(long_timeout_app)


@pytest.fixture
def document(app_client):
    return app_client.get("/openapi.json").get_json()


@pytest.fixture
def example(document):
    """`example(method, path)` returns the documented body, status and response."""

    def find(method, path):
        operation = document["paths"][path][method]
        body = operation.get("requestBody", {})
        [(status, response)] = [
            (n, each) for n, each in operation["responses"].items() if n.startswith("2")
        ]
        return content_of(body).get("example"), int(status), content_of(response).get("example")

    return find


def content_of(part):
    return part.get("content", {}).get("application/json", {})


def constant_fields(response):
    if isinstance(response, list):
        return [constant_fields(each) for each in response]
    return {name: value for name, value in response.items() if name not in VARIABLE_FIELDS}


@pytest.fixture
def call(app_client, example):
    """`call(method, template, headers)` compares the response with its example, and returns it."""

    def call_and_compare(method, template, headers, changes=None, **values):
        body, status, documented = example(method, template)
        path = re.sub(r"{(\w+)}", lambda found: str(values[found[1]]), template)
        response = app_client.open(
            path, method=method.upper(), headers=headers | from_new_address(),
            json=(body or {}) | (changes or {}) if body or changes else None,
        )  # fmt: skip
        assert response.status_code == status, response.text
        if documented is not None:
            assert constant_fields(response.get_json()) == constant_fields(documented)
        return response.get_json(silent=True)

    return call_and_compare


def test_the_examples_are_the_responses_to_a_companys_calls(app_client, call):
    company = call("post", "/v1/corporations", {})["id"]
    paid = {"plan": "PAID", "plan_expires_at": "2027-11-20T10:00:00Z"}
    app_client.put(f"/v1/corporations/{company}", json=paid, headers=SERVICE)
    pair = call("post", "/v1/auth/login", {})
    admin = {"Authorization": f"Bearer {pair['access_token']}"}
    ids = {"corporation_id": company}
    call("get", "/v1/corporations", {})
    call("get", "/v1/corporations/id/{corporation_id}", {}, **ids)
    call("get", "/v1/corporations/{name}", {}, name="Example Films", **ids)

    bob = call("post", "/v1/users", admin, **ids)["id"]
    call("get", "/v1/users/id/{user_id}", admin, user_id=bob, **ids)
    call("get", "/v1/users/{email}", admin, email="bob@example.com", **ids)
    call("put", "/v1/users/{user_id}", admin, user_id=bob, **ids)

    video = call("post", "/v1/videos", admin, **ids)["id"]
    call("get", "/v1/videos", {}, **ids)
    call("get", "/v1/videos/id/{video_id}", {}, video_id=video, **ids)
    call("get", "/v1/videos/{corporation_id}", bearer_of_guest(call), **ids)
    call("put", "/v1/videos/{video_id}", admin, video_id=video, **ids)
    call("delete", "/v1/videos/{video_id}", admin, video_id=video)
    call("put", "/v1/videos/{video_id}/restore", admin, video_id=video, **ids)

    call("put", "/v1/corporations/{corporation_id}", admin, **ids)
    call("delete", "/v1/users/{user_id}", admin, user_id=bob)
    newer = call("post", "/v1/auth/refresh", {}, {"refresh_token": pair["refresh_token"]})
    call("post", "/v1/auth/logout", {}, {"refresh_token": newer["refresh_token"]})
    call("delete", "/v1/corporations/{corporation_id}", SERVICE, **ids)


def bearer_of_guest(call):
    bob = {"email": "bob@example.com", "password": "battery staple"}
    pair = call("post", "/v1/auth/login", {}, bob)
    return {"Authorization": f"Bearer {pair['access_token']}"}
