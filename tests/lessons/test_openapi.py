"""The OpenAPI document of the lesson routes is valid, complete and has real examples."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from uuid import UUID

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from stripe import WebhookSignature

from resume_service.demo.course import CUT, FILM, LIGHT, PRACTICE, SOUND, WELCOME, seed_demo_course
from resume_service.postgres.database import Database
from tests.support.course_builder import Learner
from tests.support.tokens import bearer

OPERATIONS = {"get", "post", "put", "delete"}
LESSON_PATHS = re.compile(
    "/api/progress/(lessons|modules|summary)|/v1/(modules|lessons|enrollments|course|billing)"
)
USER = "user_123456"
TEN = datetime(2026, 11, 20, 10, tzinfo=UTC)
MADE = "2026-11-20T10:00:00.000Z"
ADMIN = bearer("root", role="admin")
ENROLLMENT = "2d3e4f50-6172-4839-8a4b-5c6d7e8f9010"
VIDEOS = {WELCOME: "demo-welcome", LIGHT: "demo-light"}


@pytest.fixture
def document(client):
    return client.get("/openapi.json").get_json()


@pytest.fixture
def demo(course):
    """The course of `flask seed-demo`, with the ids and times of the examples."""
    course.now[0] = TEN
    seed_demo_course(
        course.http.application.extensions["resume_service"].get(Database), USER, VIDEOS
    )
    course.sql.execute("UPDATE enrollments SET id = %s", (ENROLLMENT,))
    for table in ("modules", "lessons", "enrollments"):
        course.sql.execute(f"UPDATE {table} SET created_at = %s, updated_at = %s", (TEN, TEN))
    return course


def lesson_operations(document):
    for path, item in document["paths"].items():
        if LESSON_PATHS.match(path):
            for method in OPERATIONS & set(item):
                yield path, method, item[method]


def example(document, path, method, status="200"):
    answer = document["paths"][path][method]["responses"][status]
    return answer["content"]["application/json"]["example"]


def test_the_document_is_valid_openapi_3_1(document):
    assert [fault.message for fault in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_the_document_has_every_lesson_route_with_its_errors(client, document):
    routes = {
        (re.sub("<(\\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in client.application.url_map.iter_rules()
        if LESSON_PATHS.match(rule.rule)
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    assert {(path, method) for path, method, _ in lesson_operations(document)} == routes

    for path, method, operation in lesson_operations(document):
        expected = {"500", "503"}
        expected |= {"400", "413"} if method in ("post", "put") else set()
        if "billing" not in path:
            expected |= {"401"}
            expected |= {"415"} if method in ("post", "put") else set()
        if path.startswith("/v1/") and not re.search("billing|course", path):
            expected |= {"403"} | ({"422"} if method in ("post", "put") else set())
        if "{" in path:
            expected |= {"400", "404"}
        assert operation["summary"], path
        assert expected <= set(operation["responses"]), (path, method)
        assert (operation.get("security") == []) == ("billing" in path)


def test_the_examples_of_progress_are_real_responses(demo, document):
    learner = Learner(demo.http, USER)
    lesson, module = "/api/progress/lessons/{lessonId}", "/api/progress/modules/{moduleId}"
    body = document["paths"][lesson]["post"]["requestBody"]["content"]["application/json"]

    locked = learner.mark(LIGHT)
    assert locked.get_json() == example(document, lesson, "post", "409")
    assert learner.mark(WELCOME, json=body["example"]).get_json() == example(
        document, lesson, "post"
    )
    assert learner.completed() == example(document, "/api/progress/lessons", "get")["lessons"]
    assert learner.module(FILM).get_json() == example(document, module, "get")
    summary = demo.http.get("/api/progress/summary", headers=learner.headers).get_json()
    assert summary == example(document, "/api/progress/summary", "get")
    assert learner.unmark(WELCOME).get_json() == example(document, lesson, "delete")


def test_the_examples_of_progress_errors_are_real_responses(demo, document):
    lesson, module = "/api/progress/lessons/{lessonId}", "/api/progress/modules/{moduleId}"
    learner, stranger = Learner(demo.http, USER), Learner(demo.http, "stranger")
    nowhere = "6f1a2c3d-4b5e-4f60-8a7b-9c0d1e2f3a4f"
    for status, answer in {
        "400": learner.mark("x"), "403": stranger.mark(SOUND), "404": learner.mark(nowhere),
        "401": demo.http.post(f"/api/progress/lessons/{LIGHT}"),
        "415": learner.mark(LIGHT, data="x", content_type="text/html"),
    }.items():  # fmt: skip
        assert answer.status_code == int(status)
        assert answer.get_json() == example(document, lesson, "post", status)
    assert learner.module("x").get_json() == example(document, module, "get", "400")
    assert stranger.module(PRACTICE).get_json() == example(document, module, "get", "404")


def test_the_examples_of_admin_routes_are_real_responses(demo, document):
    http = demo.http
    for kind, row in (
        ("modules", FILM), ("lessons", LIGHT), ("enrollments", ENROLLMENT)
    ):  # fmt: skip
        demo.sql.execute("UPDATE enrollments SET current_period_end = '2027-11-20T10:00:00Z'")
        promised = example(document, f"/v1/{kind}/{{id}}", "get")
        assert http.get(f"/v1/{kind}/{row}", headers=ADMIN).get_json() == promised
        listed = http.get(f"/v1/{kind}", headers=ADMIN).get_json()
        assert promised in listed
        body = document["paths"][f"/v1/{kind}"]["post"]["requestBody"]["content"][
            "application/json"
        ]
        created = http.post(f"/v1/{kind}", json=body["example"], headers=ADMIN)
        own = {"id", "created_at", "updated_at"}
        assert created.status_code == 201
        shown = example(document, f"/v1/{kind}", "post", "201")
        assert {n: v for n, v in created.get_json().items() if n not in own} == {
            n: v for n, v in shown.items() if n not in own
        }
        assert UUID(created.get_json()["id"]).version == 4
        wrong = http.get(f"/v1/{kind}/x", headers=ADMIN)
        assert wrong.get_json() == example(document, f"/v1/{kind}/{{id}}", "get", "400")
        gone = http.delete(f"/v1/{kind}/6f1a2c3d-4b5e-4f60-8a7b-9c0d1e2f3a4f", headers=ADMIN)
        assert gone.get_json() == example(document, f"/v1/{kind}/{{id}}", "delete", "404")
        no_admin = http.get(f"/v1/{kind}", headers=bearer())
        assert no_admin.get_json() == example(document, f"/v1/{kind}", "get", "403")


def test_the_examples_of_admin_errors_are_real_responses(demo, document):
    http = demo.http
    circle = http.put(f"/v1/lessons/{WELCOME}", json={"prerequisites": [str(LIGHT)]}, headers=ADMIN)
    has_lessons = http.delete(f"/v1/modules/{FILM}", headers=ADMIN)

    assert circle.get_json() == example(document, "/v1/lessons/{id}", "put", "422")
    assert has_lessons.get_json() == example(document, "/v1/modules/{id}", "delete", "409")
    for kind in ("modules", "enrollments"):
        [(field, fault)] = example(document, f"/v1/{kind}", "post", "422")["details"].items()
        refused = http.post(f"/v1/{kind}", json={}, headers=ADMIN).get_json()
        assert refused["details"][field] == fault


def test_the_example_of_the_course_is_the_first_demo_module(demo, document):
    modules = demo.http.get("/v1/course", headers=bearer()).get_json()["modules"]

    assert modules[:1] == example(document, "/v1/course", "get")["modules"]
    assert [lesson["prerequisites"] for lesson in modules[1]["lessons"]] == [
        [], sorted([str(LIGHT), str(SOUND)])
    ]  # fmt: skip
    assert modules[1]["lessons"][1]["id"] == str(CUT)


def test_the_examples_of_billing_are_real_responses(client, document):
    payload = json.dumps({"id": "evt", "type": "invoice.paid"})
    signature = WebhookSignature.generate_signature_header(payload, "whsec_of_the_tests")
    path = "/v1/billing/stripe"

    taken = client.post(path, data=payload, headers={"Stripe-Signature": signature})
    refused = client.post(path, data=payload)

    assert taken.get_json() == example(document, path, "post")
    assert refused.get_json() == example(document, path, "post", "400")


def test_ids_of_the_demo_course_are_valid_in_the_api():
    for row in (CUT, FILM, LIGHT, PRACTICE, SOUND, WELCOME):
        assert row.version == 4
        assert row.variant == "specified in RFC 4122"
