"""Under `/v1`, a password change ends the access tokens that were issued before it."""

from __future__ import annotations

import re
import time

import jwt
import pytest

from resume_service import PUBLIC_ENDPOINTS
from resume_service.postgres.database import Database
from tests.support.fixtures.companies import PASSWORD, SERVICE, from_new_address
from tests.support.recorded_sql import statements_of
from tests.support.tokens import SECRET, bearer

NEW_PASSWORD = "battery staple"
EMAIL = "ann@acme.example"


@pytest.fixture
def ann(app_client, acme):
    """The path of a guest who can sign in."""
    body = {"email": EMAIL, "password": PASSWORD}
    made = app_client.post("/v1/users", json=body, headers=acme.admin).get_json()
    return f"/v1/users/id/{made['id']}"


def sign_in(client, password=PASSWORD):
    body = {"email": EMAIL, "password": password}
    return client.post("/v1/auth/login", json=body, headers=from_new_address()).get_json()


def bearer_of(pair):
    return {"Authorization": f"Bearer {pair['access_token']}"}


def change_password(client, ann, headers, password=NEW_PASSWORD):
    answer = client.put(ann.replace("/id", ""), json={"password": password}, headers=headers)
    assert answer.status_code == 200
    return answer


def test_a_password_change_ends_older_access_tokens_and_a_sign_in_at_once_gives_a_valid_one(
    app_client, ann
):
    """Both happen in the same second, so `iat` can't show the order."""
    phone, laptop = sign_in(app_client), sign_in(app_client)
    for old, new in ((PASSWORD, NEW_PASSWORD), (NEW_PASSWORD, PASSWORD), (PASSWORD, NEW_PASSWORD)):
        current = bearer_of(sign_in(app_client, old))
        change_password(app_client, ann, current, new)
        newest = bearer_of(sign_in(app_client, new))

        assert app_client.get(ann, headers=current).status_code == 401
        assert app_client.get(ann, headers=newest).status_code == 200
    for pair in (phone, laptop):
        answer = app_client.get(ann, headers=bearer_of(pair))
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.get_json() == {"error": "Missing or invalid token"}


def test_a_refreshed_token_is_valid_after_a_password_change(app_client, ann, acme):
    change_password(app_client, ann, acme.admin)
    pair = sign_in(app_client, NEW_PASSWORD)
    body = {"refresh_token": pair["refresh_token"]}
    newer = app_client.post("/v1/auth/refresh", json=body).get_json()

    assert app_client.get(ann, headers=bearer_of(newer)).status_code == 200


def test_a_password_changed_by_sql_or_an_older_version_ends_tokens_too(app_client, ann, sql):
    """A trigger stores the time of the change. An older version does not know the column."""
    pair = sign_in(app_client)
    sql.execute("UPDATE users SET updated_at = now(), role = 'guest', points = points + 1")
    assert app_client.get(ann, headers=bearer_of(pair)).status_code == 200
    sql.execute("UPDATE users SET password_hash = 'another' WHERE email = %s", (EMAIL,))

    assert app_client.get(ann, headers=bearer_of(pair)).status_code == 401


def test_a_password_change_does_not_end_tokens_of_other_users(app_client, ann, acme):
    change_password(app_client, ann, acme.admin)

    assert app_client.get("/v1/users", headers=acme.admin).status_code == 200
    assert app_client.get(ann, headers=SERVICE).status_code == 200


def test_without_the_claim_a_token_is_valid_only_if_its_iat_is_after_the_change(
    app_client, ann, acme
):
    """Such tokens come from `flask token`, from older versions and from issuers with our secret."""
    user = ann.rpartition("/")[2]
    now = int(time.time())

    def statuses(*times):
        return [app_client.get(ann, headers=bearer(user, iat=at)).status_code for at in times]

    assert statuses(None, 0, now - 60, "x") == [200] * 4
    change_password(app_client, ann, acme.admin)

    assert statuses(now + 60, now + 60.5) == [200, 200]
    assert statuses(None, 0, now - 60, float(now), "x", [], float("nan")) == [401] * 7


@pytest.mark.parametrize("value", [None, "0", True, 1, -1, 10**30, 0.0, []])
def test_a_token_with_another_time_of_the_password_is_refused(app_client, ann, acme, value):
    user = ann.rpartition("/")[2]
    change_password(app_client, ann, acme.admin)
    headers = bearer(user, password_changed_us=value)

    assert app_client.get(ann, headers=headers).status_code == 401


def test_the_claim_of_a_first_password_is_0(app_client, ann):
    claims = jwt.decode(sign_in(app_client)["access_token"], SECRET, ["HS256"])

    assert claims["password_changed_us"] == 0


def test_no_route_of_v1_accepts_an_ended_token_or_one_of_a_deleted_user(app_client, acme, sql):
    """Also with an invalid body: the token is checked first."""
    sql.execute("UPDATE users SET password_hash = 'another' WHERE id = %s", (acme.admin_id,))
    sql.execute("UPDATE users SET deleted_at = now() WHERE id = %s", (acme.guest_id,))
    statuses = {}
    for rule in app_client.application.url_map.iter_rules():
        if rule.rule.startswith("/v1/") and rule.endpoint not in PUBLIC_ENDPOINTS:
            path = re.sub("<[^>]+>", "1", rule.rule)
            for method in rule.methods - {"OPTIONS", "HEAD"}:
                for headers in (acme.admin, acme.guest):
                    answer = app_client.open(path, method=method, headers=headers)
                    statuses[f"{method} {path}", headers is acme.admin] = answer.status_code

    assert len(statuses) > 50
    assert {key for key, status in statuses.items() if status != 401} == set()


def test_an_ended_token_is_no_token_on_public_routes(app_client, acme, create_video, sql):
    hidden = create_video(acme.id, published=False)
    before = app_client.get(f"/v1/videos/id/{hidden}", headers=acme.admin)
    sql.execute("UPDATE users SET password_hash = 'another' WHERE id = %s", (acme.admin_id,))
    after = app_client.get(f"/v1/videos/id/{hidden}", headers=acme.admin)

    assert (before.status_code, after.status_code) == (200, 404)


def test_the_check_needs_no_further_statement(app_client, acme):
    """The row that it needs is read anyway for the role."""
    database = app_client.application.extensions["resume_service"].get(Database)
    with statements_of(database) as statements:
        app_client.get(f"/v1/videos/{acme.id}", headers=acme.admin)

    assert len([text for text, _ in statements if "FROM users" in text]) == 1
