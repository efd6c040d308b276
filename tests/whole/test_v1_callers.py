"""Every route of `/v1` by every kind of caller, and what each is answered."""

from __future__ import annotations

import re

import pytest

from tests.support.fixtures.companies import (
    NOBODY,
    PASSWORD,
    SERVICE,
    from_a_client_of_its_own,
    member,
)
from tests.support.jwks_issuer import Issuer, rsa_key
from tests.support.tokens import bearer

NEW_USER = {"email": "new@acme.example", "password": PASSWORD}
NEW_VIDEO = {"name": "Film", "file_path": "film.mp4"}
NEW_COMPANY = {"name": "New", "admin_email": "n@new.example", "admin_password": PASSWORD}
CREDENTIALS = {"email": "admin@acme.example", "password": PASSWORD}

CALLERS = ["nobody", "guest", "self", "other user", "admin", "foreign admin", "service"]
"""`self` is the user that a path names; `other user` one more of its company."""

OPEN, SIGNED_IN, OF_COMPANY, ADMIN, OWN = "open", "signed in", "of company", "admin", "own"
STATUSES = {
    OPEN: dict.fromkeys(CALLERS, True),
    SIGNED_IN: dict.fromkeys(CALLERS, True) | {"nobody": 401},
    OF_COMPANY: dict.fromkeys(CALLERS, True) | {"nobody": 401, "guest": 403, "foreign admin": 403},
    ADMIN: dict.fromkeys(CALLERS, 403) | {"nobody": 401, "admin": True, "service": True},
    OWN: dict.fromkeys(CALLERS, 403)
    | {"nobody": 401, "self": True, "admin": True, "service": True},
}
"""Who may enter; True is for the status of success."""

TABLE = [
    # route, body, who, status of success
    ("POST /v1/auth/login", CREDENTIALS, OPEN, 401),
    ("POST /v1/auth/refresh", {"refresh_token": "x"}, OPEN, 401),
    ("POST /v1/auth/logout", {"refresh_token": "x"}, OPEN, 204),
    ("POST /v1/corporations", NEW_COMPANY, OPEN, 201),
    ("GET /v1/corporations", None, OPEN, 200),
    ("GET /v1/corporations/id/<row:corporation_id>", None, OPEN, 200),
    ("GET /v1/corporations/<name>", None, OPEN, 200),
    ("PUT /v1/corporations/<row:corporation_id>", {"name": "Acme 2"}, ADMIN, 200),
    ("DELETE /v1/corporations/<row:corporation_id>", None, ADMIN, 204),
    ("POST /v1/users", NEW_USER, ADMIN, 201),
    ("GET /v1/users", None, ADMIN, 200),
    ("GET /v1/users/id/<row:user_id>", None, OWN, 200),
    ("GET /v1/users/<email>", None, OWN, 200),
    ("PUT /v1/users/<row:user_id>", {"password": PASSWORD}, OWN, 200),
    ("PUT /v1/users/<row:user_id>", {"role": "admin"}, ADMIN, 200),
    ("DELETE /v1/users/<row:user_id>", None, OWN, 204),
    ("GET /v1/tokens/<row:user_id>", None, ADMIN, 200),
    ("POST /v1/videos", NEW_VIDEO, ADMIN, 201),
    ("GET /v1/videos", None, OPEN, 200),
    ("GET /v1/videos/id/<row:video_id>", None, OPEN, 200),
    ("GET /v1/videos/<row:corporation_id>", None, SIGNED_IN, 200),
    ("PUT /v1/videos/<row:video_id>", {"name": "Film 2"}, ADMIN, 200),
    ("DELETE /v1/videos/<row:video_id>", None, ADMIN, 204),
    ("PUT /v1/videos/<row:video_id>/restore", None, ADMIN, 200),
    ("GET /v1/videos/stream/<row:video_id>", None, OF_COMPANY, 200),
    ("GET /v1/view-logs/<row:user_id>/<row:video_id>", None, OWN, 200),
    ("POST /v1/view-logs", {}, OF_COMPANY, 201),
]

NAMES_NO_COMPANY = {"POST /v1/users", "GET /v1/users", "POST /v1/videos"}
"""They are about the caller's own company, unless the request names another."""


@pytest.fixture
def callers(acme, umbra):
    return {
        "nobody": {},
        "guest": umbra.guest,
        "self": acme.guest,
        "other user": acme.other_guest,
        "admin": acme.admin,
        "foreign admin": umbra.admin,
        "service": SERVICE,
    }


@pytest.fixture
def ask(app_client, sql, acme, a_video, tmp_path):
    """`ask(route, body, headers)`: the answer about the company acme, its guest, its video."""

    def asked(route, body, headers):
        method, rule = route.split()
        (tmp_path / "film.mp4").write_bytes(b"a film")
        video = a_video(acme.id)
        if route == "POST /v1/view-logs":
            of_the_service = {"user_id": acme.guest_id} if headers is SERVICE else {}
            body = {"video_id": video} | of_the_service
        if rule.endswith("/restore"):
            sql.execute("UPDATE videos SET deleted_at = now() WHERE id = %s", (video,))
        values = {
            "corporation_id": acme.id, "name": "acme",
            "user_id": acme.guest_id, "email": "guest@acme.example", "video_id": video,
        }  # fmt: skip
        path = re.sub(r"<(?:row:)?(\w+)>", lambda found: str(values[found[1]]), rule)
        if route in NAMES_NO_COMPANY:
            if method == "GET":
                path += f"?corporation_id={acme.id}"
            else:
                body = body | {"corporation_id": acme.id}
        return app_client.open(
            path, method=method, json=body, headers=headers | from_a_client_of_its_own()
        )

    return asked


@pytest.mark.parametrize("row", TABLE)
def test_every_kind_of_caller_is_answered_as_the_table_says(ask, callers, sql, row):
    route, body, who, success = row
    answered, expected = {}, {}
    # Who may do it comes last: it may leave nothing for the others to try on.
    for caller in sorted(CALLERS, key=lambda name: STATUSES[who][name] is True):
        if STATUSES[who][caller] is True and route.startswith(("DELETE", "POST")):
            _undo(sql)
        answered[caller] = ask(route, body, callers[caller]).status_code
        allowed = STATUSES[who][caller]
        expected[caller] = success if allowed is True else allowed

    assert answered == expected


def _undo(sql):
    """Take back what a caller before has made or deleted."""
    sql.execute("UPDATE corporations SET deleted_at = now() WHERE name = 'New'")
    sql.execute("UPDATE users SET deleted_at = now() WHERE email LIKE 'n%'")
    sql.execute("UPDATE corporations SET deleted_at = NULL WHERE name <> 'New'")
    sql.execute("UPDATE users SET deleted_at = NULL WHERE email NOT LIKE 'n%'")


OUR_PAGE = "https://app.example.com"
OF_THE_COURSE = tuple(
    f"/v1/{noun}" for noun in ("modules", "lessons", "enrollments", "course", "billing")
)
"""Routes whose table is in tests/lessons."""


def test_no_route_is_missing_from_the_table(app_client):
    routes = {
        f"{method} {rule.rule}"
        for rule in app_client.application.url_map.iter_rules()
        for method in rule.methods - {"OPTIONS", "HEAD"}
        if rule.rule.startswith("/v1/") and not rule.rule.startswith(OF_THE_COURSE)
    }

    assert {route for route, *_ in TABLE} == routes


def test_a_preflight_of_any_route_needs_no_token(client_with):
    client = client_with(cors_origins=(OUR_PAGE,))
    asked = {"Origin": OUR_PAGE, "Access-Control-Request-Method": "PUT"}
    paths = {
        re.sub("<[^>]+>", "1", rule.rule)
        for rule in client.application.url_map.iter_rules()
        if rule.rule.startswith(("/v1/", "/api/", "/videos/"))
    }
    answers = {path: client.options(path, headers=asked) for path in paths}

    assert {path for path, answer in answers.items() if answer.status_code != 200} == set()
    for answer in answers.values():
        assert answer.headers["Access-Control-Allow-Origin"] == OUR_PAGE


CLOSED = [(route, body) for route, body, who, _ in TABLE if who is not OPEN]


@pytest.mark.parametrize(("route", "body"), CLOSED)
def test_an_account_that_was_deleted_a_moment_ago_is_401_with_a_token_that_still_holds(
    ask, acme, sql, route, body
):
    sql.execute("UPDATE users SET deleted_at = now() WHERE id = %s", (acme.admin_id,))

    assert ask(route, body, acme.admin).status_code == 401


def test_an_admin_who_was_made_a_guest_has_no_more_rights_than_a_guest(ask, acme, sql):
    sql.execute("UPDATE users SET role = 'guest' WHERE id = %s", (acme.admin_id,))

    assert ask("GET /v1/users", None, acme.admin).status_code == 403


def test_a_token_that_calls_a_guest_an_admin_does_not_make_it_one(ask, acme):
    forged = member(acme.guest_id, acme.id, "admin")  # by an issuer that shares the secret

    assert ask("GET /v1/users", None, forged).status_code == 403


@pytest.mark.parametrize("trusted", [True, False])
def test_an_outside_issuers_number_is_no_account_of_ours_even_where_its_claims_count(
    client_with, acme, request, trusted
):
    issuer = Issuer(rsa_key())
    request.addfinalizer(issuer.stop)
    client = client_with(jwt_jwks_url=issuer.url, jwt_trust_claims=trusted)
    for account in (acme.admin_id, acme.guest_id):
        outside = {"Authorization": rsa_key().bearer(str(account), role="guest")}
        own = f"/v1/users/id/{account}"

        assert client.get(own, headers=outside).status_code == 403
        changed = client.put(f"/v1/users/{account}", json={"password": PASSWORD}, headers=outside)
        assert changed.status_code == 403
        assert client.get(f"/v1/users?corporation_id={acme.id}", headers=outside).status_code == 403


@pytest.mark.parametrize("claims", [{}, {"role": "admin"}, {"role": "admin", "corporation_id": 0}])
def test_an_admin_of_no_company_keeps_none(ask, claims):
    headers = bearer("someone-else", **claims)

    assert ask("GET /v1/users", None, headers).status_code == 403


MISSING = [
    ("PUT /v1/corporations/{}", {"name": "x"}),
    ("DELETE /v1/corporations/{}", None),
    ("GET /v1/users/id/{}", None),
    ("GET /v1/users/{}@x.example", None),
    ("PUT /v1/users/{}", {"password": PASSWORD}),
    ("DELETE /v1/users/{}", None),
    ("GET /v1/tokens/{}", None),
    ("PUT /v1/videos/{}", {"name": "x"}),
    ("DELETE /v1/videos/{}", None),
    ("PUT /v1/videos/{}/restore", None),
]


@pytest.mark.parametrize(("route", "body"), MISSING)
def test_what_is_not_there_is_404_for_those_who_may_know_and_403_for_others(
    app_client, acme, route, body
):
    method, path = route.format(NOBODY).split()
    answers = {
        who: app_client.open(path, method=method, json=body, headers=headers).status_code
        for who, headers in {"guest": acme.guest, "admin": acme.admin, "service": SERVICE}.items()
    }

    assert answers == {"guest": 403, "admin": 404, "service": 404}


@pytest.mark.parametrize("path", ["corporations/id", "videos/id", "users/id", "tokens"])
@pytest.mark.parametrize("number", ["0", "-1", "01", "1.0", "9223372036854775808", "1" * 400])
def test_a_number_that_no_row_can_have_is_not_found(app_client, path, number):
    assert app_client.get(f"/v1/{path}/{number}", headers=SERVICE).status_code == 404
