"""Who may do what with the course: every route and every kind of caller."""

from __future__ import annotations

import re

import pytest

from resume_service import create_app
from resume_service.lessons.completions import Completions
from resume_service.settings import Settings
from tests.support.jwks_issuer import Issuer, rsa_key
from tests.support.tokens import bearer

CALLERS = ("nobody", "guest", "admin", "service", "outside issuer")
OWN = (401, 200, 200, 200, 200)
"""Of what each reads and writes of its own: all of them are enrolled."""
KEEPING = (401, 403, 200, 200, 403)
ROUTES = {
    "POST /api/progress/lessons/<lessonId>": OWN,
    "DELETE /api/progress/lessons/<lessonId>": OWN,
    "GET /api/progress/lessons": OWN,
    "GET /api/progress/modules/<moduleId>": OWN,
    "GET /api/progress/summary": OWN,
    "GET /v1/course": OWN,
    "GET /v1/modules": KEEPING,
    "POST /v1/modules": (401, 403, 201, 201, 403),
    "GET /v1/modules/<id>": KEEPING,
    "PUT /v1/modules/<id>": KEEPING,
    "DELETE /v1/modules/<id>": (401, 403, 409, 409, 403),
    "GET /v1/lessons": KEEPING,
    "POST /v1/lessons": (401, 403, 201, 201, 403),
    "GET /v1/lessons/<id>": KEEPING,
    "PUT /v1/lessons/<id>": KEEPING,
    "DELETE /v1/lessons/<id>": (401, 403, 204, 204, 403),
    "GET /v1/enrollments": KEEPING,
    "POST /v1/enrollments": (401, 403, 201, 201, 403),
    "GET /v1/enrollments/<id>": KEEPING,
    "PUT /v1/enrollments/<id>": KEEPING,
    "DELETE /v1/enrollments/<id>": (401, 403, 204, 204, 403),
    # Public: no token is asked for, but the signature of Stripe and nobody else's.
    "POST /v1/billing/stripe": (400,) * 5,
    "GET /dashboard": (200,) * 5,
    "GET /dashboard/<any('dashboard.js', 'dashboard.css'):name>": (200,) * 5,
}


@pytest.fixture(scope="module")
def more_settings(issuer_of_the_module):
    return {"jwt_jwks_url": issuer_of_the_module.url}


@pytest.fixture(scope="module")
def issuer_of_the_module():
    running = Issuer(rsa_key())
    yield running
    running.stop()


def headers_of(caller):
    if caller == "nobody":
        return {}
    if caller == "outside issuer":
        return {"Authorization": rsa_key().bearer("outside", role="admin")}
    return bearer(caller, role=caller)


def test_no_route_of_lessons_is_missing_from_the_table(client, settings):
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
    assert routes(create_app(settings)) == set(), "absent without a database"


@pytest.mark.parametrize("route", ROUTES)
def test_each_caller_gets_what_it_may(room, route):
    answers = [asked(room, route, caller) for caller in CALLERS]

    assert tuple(answer.status_code for answer in answers) == ROUTES[route]
    for answer in answers:
        assert ("WWW-Authenticate" in answer.headers) == (answer.status_code == 401)


def asked(room, route, caller):
    """The answer that `caller` gets of `route`; what it names is there, and `caller` is enrolled."""
    module = room.module()
    lesson = room.lesson(module)
    enrollment = room.enroll("outside" if caller == "outside issuer" else caller)
    method, rule = route.split(maxsplit=1)
    rows = {"/v1/lessons": lesson, "/v1/modules": module, "/v1/enrollments": enrollment}
    row = rows.get(rule.removesuffix("/<id>"))
    path = re.sub("<any.*>", "dashboard.js", rule.replace("<moduleId>", str(module)))
    path = re.sub("<lessonId>", str(lesson), path).replace("<id>", str(row))
    body = {
        "POST /v1/modules": {"title": "New", "position": 1},
        "POST /v1/lessons": {"title": "New", "position": 1, "module_id": str(module)},
        "POST /v1/enrollments": {"user_id": "new", "status": "active"},
    }.get(route, {} if method in ("PUT", "POST") else None)
    headers = headers_of(caller)
    return room.http.open(path, method=method, json=body, headers=headers, buffered=True)


@pytest.mark.parametrize("fault", [{"json": []}, {"json": {"title": 1}}, {"data": b"{"}])
def test_who_may_not_keep_the_course_is_told_that_before_anything_else(client, fault):
    for path in ("/v1/modules", "/v1/lessons/x", "/v1/enrollments"):
        method = "PUT" if path.endswith("x") else "POST"
        assert client.open(path, method=method, headers=bearer(), **fault).status_code == 403


@pytest.mark.parametrize("role", ["Admin", "root", "", ["admin"], True, None])
def test_any_other_role_keeps_nothing(client, role):
    assert client.get("/v1/modules", headers=bearer("ann", role=role)).status_code == 403


def test_without_a_database_the_words_stay_reserved_and_nothing_else_is_there(settings, real_redis):
    alone = create_app(settings, client=real_redis).test_client()
    for path in ("lessons", "modules", "summary"):
        answer = alone.get(f"/api/progress/{path}", headers=bearer())
        assert answer.status_code == 400
        assert "word of the URL space" in answer.text
    for path in ("/v1/modules", "/v1/course", "/dashboard", "/v1/billing/stripe"):
        assert alone.get(path, headers=bearer()).status_code == 404


def test_without_a_secret_of_stripe_its_route_is_not_there(apps):
    assert (
        apps(stripe_webhook_secret=None).test_client().post("/v1/billing/stripe").status_code == 404
    )


def test_a_lesson_route_never_shadows_a_users_points(client):
    """Only the reserved words are taken: a user may be called almost like one."""
    for user in ("lesson", "Lessons", "summary2", "modules:1"):
        assert client.get(f"/api/progress/{user}", headers=bearer(user)).get_json() == []


def test_settings_that_name_no_database_make_no_school(settings: Settings):
    assert create_app(settings).extensions["resume_service"].find(Completions) is None
