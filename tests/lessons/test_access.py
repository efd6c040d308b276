"""Permissions of the course: the status of each route for each kind of caller."""

from __future__ import annotations

import re

import pytest

from tests.support.jwks_issuer import Issuer, rsa_key
from tests.support.long_timeouts import app_without_openapi
from tests.support.tokens import bearer

CALLERS = ("anonymous", "guest", "admin", "service", "outside issuer")
OWN_DATA = (401, 200, 200, 200, 200)
"""The statuses of a route for a user's own data. All callers with a token are enrolled."""
ADMIN_ONLY = (401, 403, 200, 200, 403)
ROUTES = {
    "POST /api/progress/lessons/<lessonId>": OWN_DATA,
    "DELETE /api/progress/lessons/<lessonId>": OWN_DATA,
    "GET /api/progress/lessons": OWN_DATA,
    "GET /api/progress/modules/<moduleId>": OWN_DATA,
    "GET /api/progress/summary": OWN_DATA,
    "GET /v1/course": OWN_DATA,
    "GET /v1/modules": ADMIN_ONLY,
    "POST /v1/modules": (401, 403, 201, 201, 403),
    "GET /v1/modules/<id>": ADMIN_ONLY,
    "PUT /v1/modules/<id>": ADMIN_ONLY,
    "DELETE /v1/modules/<id>": (401, 403, 409, 409, 403),
    "GET /v1/lessons": ADMIN_ONLY,
    "POST /v1/lessons": (401, 403, 201, 201, 403),
    "GET /v1/lessons/<id>": ADMIN_ONLY,
    "PUT /v1/lessons/<id>": ADMIN_ONLY,
    "DELETE /v1/lessons/<id>": (401, 403, 204, 204, 403),
    "GET /v1/enrollments": ADMIN_ONLY,
    "POST /v1/enrollments": (401, 403, 201, 201, 403),
    "GET /v1/enrollments/<id>": ADMIN_ONLY,
    "PUT /v1/enrollments/<id>": ADMIN_ONLY,
    "DELETE /v1/enrollments/<id>": (401, 403, 204, 204, 403),
    # It needs a signature of Stripe instead of a token. These requests have none.
    "POST /v1/billing/stripe": (400,) * 5,
    "GET /dashboard": (200,) * 5,
    "GET /dashboard/<name>": (200,) * 5,
}


@pytest.fixture(scope="module")
def more_settings(issuer_of_the_module):
    return {"jwt_jwks_url": issuer_of_the_module.url}


@pytest.fixture(scope="module")
def issuer_of_the_module():
    issuer = Issuer(rsa_key())
    yield issuer
    issuer.stop()


def headers_of(caller):
    if caller == "anonymous":
        return {}
    if caller == "outside issuer":
        return {"Authorization": rsa_key().bearer("outside", role="admin")}
    return bearer(caller, role=caller)


def test_the_table_lists_every_lesson_route(client, settings):
    def routes(app):
        return {
            f"{method} {rule.rule}"
            for rule in app.url_map.iter_rules()
            if re.search(
                "lessons|modules|summary|course|enrollments|billing|dashboard", rule.endpoint
            )
            for method in rule.methods - {"OPTIONS", "HEAD"}
        }

    assert routes(client.application) == set(ROUTES)
    assert routes(app_without_openapi(settings)) == set(), "absent without a database"


@pytest.mark.parametrize("route", ROUTES)
def test_each_caller_gets_the_status_in_the_table(course, route):
    answers = [response_to(course, route, caller) for caller in CALLERS]

    assert tuple(answer.status_code for answer in answers) == ROUTES[route]
    for answer in answers:
        assert ("WWW-Authenticate" in answer.headers) == (answer.status_code == 401)


def response_to(course, route, caller):
    """The response of `route` to `caller`. The rows in the path exist and `caller` is enrolled."""
    module = course.module()
    lesson = course.lesson(module)
    enrollment = course.enroll("outside" if caller == "outside issuer" else caller)
    method, rule = route.split(maxsplit=1)
    rows = {"/v1/lessons": lesson, "/v1/modules": module, "/v1/enrollments": enrollment}
    row = rows.get(rule.removesuffix("/<id>"))
    path = rule.replace("<name>", "dashboard.js").replace("<moduleId>", str(module))
    path = re.sub("<lessonId>", str(lesson), path).replace("<id>", str(row))
    body = {
        "POST /v1/modules": {"title": "New", "position": 1},
        "POST /v1/lessons": {"title": "New", "position": 1, "module_id": str(module)},
        "POST /v1/enrollments": {"user_id": "new", "status": "active"},
    }.get(route, {} if method in ("PUT", "POST") else None)
    headers = headers_of(caller)
    return course.http.open(path, method=method, json=body, headers=headers, buffered=True)


@pytest.mark.parametrize("fault", [{"json": []}, {"json": {"title": 1}}, {"data": b"{"}])
def test_a_missing_permission_is_reported_before_other_faults(client, fault):
    for path in ("/v1/modules", "/v1/lessons/x", "/v1/enrollments"):
        method = "PUT" if path.endswith("x") else "POST"
        assert client.open(path, method=method, headers=bearer(), **fault).status_code == 403


@pytest.mark.parametrize("role", ["Admin", "root", "", ["admin"], True, None])
def test_an_unknown_role_gets_403_from_admin_routes(client, role):
    assert client.get("/v1/modules", headers=bearer("ann", role=role)).status_code == 403


def test_without_a_database_lesson_routes_give_404_and_words_stay_reserved(settings, real_redis):
    client = app_without_openapi(settings, client=real_redis).test_client()
    for path in ("lessons", "modules", "summary"):
        answer = client.get(f"/api/progress/{path}", headers=bearer())
        assert answer.status_code == 400
        assert "word of the URL space" in answer.text
    for path in ("/v1/modules", "/v1/course", "/dashboard", "/v1/billing/stripe"):
        assert client.get(path, headers=bearer()).status_code == 404


def test_without_a_stripe_secret_the_stripe_route_gives_404(apps):
    client = apps(stripe_webhook_secret=None).test_client()

    assert client.post("/v1/billing/stripe").status_code == 404


def test_user_names_similar_to_reserved_words_work(client):
    for user in ("lesson", "Lessons", "summary2", "modules:1"):
        assert client.get(f"/api/progress/{user}", headers=bearer(user)).get_json() == []
