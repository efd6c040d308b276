"""Each route of `/v1` with each kind of caller."""

from __future__ import annotations

import re

import pytest

from tests.support.fixtures.companies import (
    PASSWORD,
    SERVICE,
    UNKNOWN_ID,
    from_new_address,
    user_bearer,
)
from tests.support.tokens import bearer

NEW_USER = {"email": "new@acme.example", "password": PASSWORD}
NEW_VIDEO = {"name": "Film", "file_path": "film.mp4"}
NEW_COMPANY = {"name": "New", "admin_email": "n@new.example", "admin_password": PASSWORD}
CREDENTIALS = {"email": "admin@acme.example", "password": PASSWORD}

SERIES = 7

CALLERS = ["anonymous", "guest", "self", "other user", "admin", "foreign admin", "service"]
"""`self` is the user in the path, `other user` a second user of its company."""

OPEN, SIGNED_IN, OF_COMPANY, ADMIN, OWN = "open", "signed in", "of company", "admin", "own"
SEES = "sees the video"
STATUSES = {
    OPEN: dict.fromkeys(CALLERS, True),
    SIGNED_IN: dict.fromkeys(CALLERS, True) | {"anonymous": 401},
    OF_COMPANY: dict.fromkeys(CALLERS, True)
    | {"anonymous": 401, "guest": 403, "foreign admin": 403},
    SEES: dict.fromkeys(CALLERS, True) | {"anonymous": 401, "guest": 404, "foreign admin": 404},
    ADMIN: dict.fromkeys(CALLERS, 403) | {"anonymous": 401, "admin": True, "service": True},
    OWN: dict.fromkeys(CALLERS, 403)
    | {"anonymous": 401, "self": True, "admin": True, "service": True},
}
"""The status for each caller. True means the status of success."""

TABLE = [
    # route, body, allowed callers, status of success
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
    ("PUT /v1/series/<row:series_id>/watched", None, SEES, 200),
    ("DELETE /v1/series/<row:series_id>/watched", None, SEES, 200),
    ("PUT /v1/series/<row:series_id>/dismissed", None, SEES, 200),
    ("DELETE /v1/series/<row:series_id>/dismissed", None, SEES, 200),
]

NAMES_NO_COMPANY = {"POST /v1/users", "GET /v1/users", "POST /v1/videos"}
"""Routes that use the caller's company unless the request names another."""


@pytest.fixture
def callers(acme, umbra):
    return {
        "anonymous": {},
        "guest": umbra.guest,
        "self": acme.guest,
        "other user": acme.other_guest,
        "admin": acme.admin,
        "foreign admin": umbra.admin,
        "service": SERVICE,
    }


@pytest.fixture
def ask(app_client, sql, acme, create_video, tmp_path):
    """`ask(route, body, headers)` calls a route for the company acme, its guest or its video."""

    def call(route, body, headers):
        method, rule = route.split()
        (tmp_path / "film.mp4").write_bytes(b"a film")
        video = create_video(acme.id, series_id=SERIES)
        if route == "POST /v1/view-logs":
            user = {"user_id": acme.guest_id} if headers is SERVICE else {}
            body = {"video_id": video} | user
        if rule.endswith("/restore"):
            sql.execute("UPDATE videos SET deleted_at = now() WHERE id = %s", (video,))
        values = {
            "corporation_id": acme.id, "name": "acme",
            "user_id": acme.guest_id, "email": "guest@acme.example", "video_id": video,
            "series_id": SERIES,
        }  # fmt: skip
        path = re.sub(r"<(?:row:)?(\w+)>", lambda found: str(values[found[1]]), rule)
        if route in NAMES_NO_COMPANY:
            if method == "GET":
                path += f"?corporation_id={acme.id}"
            else:
                body = body | {"corporation_id": acme.id}
        return app_client.open(path, method=method, json=body, headers=headers | from_new_address())

    return call


@pytest.mark.parametrize("row", TABLE)
def test_each_caller_gets_the_status_in_the_table(ask, callers, sql, row):
    route, body, access, success = row
    statuses, expected = {}, {}
    # Allowed callers come last, because they may delete what the others need.
    for caller in sorted(CALLERS, key=lambda name: STATUSES[access][name] is True):
        if STATUSES[access][caller] is True and route.startswith(("DELETE", "POST")):
            _undo(sql)
        statuses[caller] = ask(route, body, callers[caller]).status_code
        allowed = STATUSES[access][caller]
        expected[caller] = success if allowed is True else allowed

    assert statuses == expected


def _undo(sql):
    """Undo what an earlier caller created or deleted."""
    sql.execute("UPDATE corporations SET deleted_at = now() WHERE name = 'New'")
    sql.execute("UPDATE users SET deleted_at = now() WHERE email LIKE 'n%'")
    sql.execute("UPDATE corporations SET deleted_at = NULL WHERE name <> 'New'")
    sql.execute("UPDATE users SET deleted_at = NULL WHERE email NOT LIKE 'n%'")


OUR_PAGE = "https://app.example.com"
COURSE_ROUTES = tuple(
    f"/v1/{noun}" for noun in ("modules", "lessons", "enrollments", "course", "billing")
)
"""Routes that tests/lessons checks."""


def test_the_table_has_every_route(app_client):
    routes = {
        f"{method} {rule.rule}"
        for rule in app_client.application.url_map.iter_rules()
        for method in rule.methods - {"OPTIONS", "HEAD"}
        if rule.rule.startswith("/v1/") and not rule.rule.startswith(COURSE_ROUTES)
    }

    assert {route for route, *_ in TABLE} == routes


def test_a_preflight_of_any_route_needs_no_token(client_with):
    client = client_with(cors_origins=(OUR_PAGE,))
    headers = {"Origin": OUR_PAGE, "Access-Control-Request-Method": "PUT"}
    paths = {
        re.sub("<[^>]+>", "1", rule.rule)
        for rule in client.application.url_map.iter_rules()
        if rule.rule.startswith(("/v1/", "/api/", "/videos/"))
    }
    responses = {path: client.options(path, headers=headers) for path in paths}

    assert {path for path, response in responses.items() if response.status_code != 200} == set()
    for response in responses.values():
        assert response.headers["Access-Control-Allow-Origin"] == OUR_PAGE


PROTECTED = [(route, body) for route, body, access, _ in TABLE if access is not OPEN]


@pytest.mark.parametrize(("route", "body"), PROTECTED)
def test_a_valid_token_of_a_deleted_account_is_401(ask, acme, sql, route, body):
    sql.execute("UPDATE users SET deleted_at = now() WHERE id = %s", (acme.admin_id,))

    assert ask(route, body, acme.admin).status_code == 401


def test_an_admin_changed_to_a_guest_loses_its_rights_at_once(ask, acme, sql):
    sql.execute("UPDATE users SET role = 'guest' WHERE id = %s", (acme.admin_id,))

    assert ask("GET /v1/users", None, acme.admin).status_code == 403


def test_the_role_claim_does_not_make_a_guest_an_admin(ask, acme):
    """Another issuer with our secret may sign such a token."""
    token = user_bearer(acme.guest_id, acme.id, "admin")

    assert ask("GET /v1/users", None, token).status_code == 403


@pytest.mark.parametrize("claims", [{}, {"role": "admin"}, {"role": "admin", "corporation_id": 0}])
def test_a_caller_without_a_company_has_no_admin_rights(ask, claims):
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
def test_a_missing_row_is_404_for_allowed_callers_and_403_for_others(app_client, acme, route, body):
    method, path = route.format(UNKNOWN_ID).split()
    callers = {"guest": acme.guest, "admin": acme.admin, "service": SERVICE}
    statuses = {
        caller: app_client.open(path, method=method, json=body, headers=headers).status_code
        for caller, headers in callers.items()
    }

    assert statuses == {"guest": 403, "admin": 404, "service": 404}


IMPOSSIBLE = [
    *[
        f"users/id/{number}"
        for number in ("0", "-1", "01", "1.0", "9223372036854775808", "1" * 400)
    ],
    *[f"{route}/0" for route in ("corporations/id", "videos/id", "tokens")],
]


@pytest.mark.parametrize("path", IMPOSSIBLE)
def test_an_impossible_row_id_is_404(app_client, path):
    assert app_client.get(f"/v1/{path}", headers=SERVICE).status_code == 404
