"""`/openapi.json`: valid, complete, and what it promises is what the service answers."""

from __future__ import annotations

import re

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from resume_service import PUBLIC_ENDPOINTS, create_app
from resume_service.settings import Settings
from tests.support.tokens import SECRET, bearer

PAGES = {
    "/docs/",
    "/docs/<path:path>",
    "/dashboard",
    "/dashboard/<any('dashboard.js', 'dashboard.css'):name>",
}
"""For people and their browsers: the document is of the API."""
OPERATIONS = {"get", "post", "put", "patch", "delete"}
EXAMPLE_USER, EXAMPLE_VIDEO = "user_123456", "12345"


@pytest.fixture
def document(client):
    return client.get("/openapi.json").get_json()


@pytest.fixture(params=["Redis alone", "with a database"])
def served(request, client, real_redis):
    """The application without and with what takes a database; nothing here connects to it."""
    if request.param == "Redis alone":
        return client
    settings = Settings(jwt_secret=SECRET, database_url="postgresql://nowhere.invalid/archive")
    return create_app(settings, client=real_redis).test_client()


@pytest.fixture
def whole_document(served):
    return served.get("/openapi.json").get_json()


def operations(document):
    """(path, method, operation) of each."""
    for path, item in document["paths"].items():
        for method in OPERATIONS & set(item):
            yield path, method, item[method]


def is_ours(path):
    return path.startswith(("/api/", "/v1/"))


def as_template(rule):
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)


def patterns(part):
    """Every `pattern` of a schema, however deep."""
    if isinstance(part, dict):
        if isinstance(part.get("pattern"), str):
            yield part["pattern"]
        part = list(part.values())
    if isinstance(part, list):
        for each in part:
            yield from patterns(each)


def content_of(answer):
    return answer.get("content", {}).get("application/json", {})


def test_the_document_is_valid_openapi_3_1(whole_document):
    assert whole_document["openapi"].startswith("3.1")
    assert [fault.message for fault in OpenAPIV31SpecValidator(whole_document).iter_errors()] == []


def test_every_route_is_in_the_document_and_nothing_else(served, whole_document):
    routes = {
        (as_template(rule), method.lower())
        for rule in served.application.url_map.iter_rules()
        if rule.rule not in PAGES
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }

    assert {(path, method) for path, method, _ in operations(whole_document)} == routes


def test_every_operation_says_what_it_does_and_how_it_fails(whole_document):
    for path, _, operation in operations(whole_document):
        expected = {"500"} | ({"503"} if path == "/readyz" or is_ours(path) else set())
        if "{clerkId}" in path:
            expected |= {"400", "403"}
        if operation.get("security") != []:
            expected |= {"401"}
        if "{tmdbId}" in path:
            expected |= {"404"}
        if "requestBody" in operation:
            expected |= {"400", "413", "415"}

        assert operation["summary"], path
        assert expected <= set(operation["responses"]), path


def test_every_failure_has_the_one_schema_and_an_example_of_it(whole_document):
    for path, _, operation in operations(whole_document):
        failing = {n: each for n, each in operation["responses"].items() if n >= "400"}
        for status, answer in failing.items():
            content = content_of(answer)
            assert content["schema"] == {"$ref": "#/components/schemas/Error"}, (path, status)
            assert set(content["example"]) <= {"error", "details"}, (path, status)


def test_every_operation_but_the_public_ones_asks_for_a_token(served, whole_document):
    assert whole_document["security"] == [{"bearer": []}]
    public = {
        f"{method} {path}"
        for path, method, operation in operations(whole_document)
        if operation.get("security") == []
    }
    rules = served.application.url_map.iter_rules()
    open_to_all = {
        f"{method.lower()} {as_template(rule)}"
        for rule in rules
        if rule.endpoint in PUBLIC_ENDPOINTS and rule.rule not in PAGES
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }

    assert public == open_to_all


def test_a_users_role_is_never_documented_as_service(whole_document):
    users = [name for name in whole_document["components"]["schemas"] if "User" in name]
    roles = {
        role
        for name in users
        for role in whole_document["components"]["schemas"][name]["properties"]["role"]["enum"]
    }

    assert roles == ({"admin", "guest"} if "/v1/users" in whole_document["paths"] else set())


def test_a_pattern_means_the_whole_text_to_every_reader(whole_document):
    """`\\Z` and the like are Python's own; a JSON Schema's pattern also finds a part of a text."""
    for pattern in patterns(whole_document):
        assert re.fullmatch(r"\^.*\$", pattern), pattern
        assert not re.search(r"\\[AZz]", pattern), pattern


def test_headers_that_an_answer_carries_are_documented(document):
    save = document["paths"]["/api/progress"]["post"]["responses"]["204"]
    read = document["paths"]["/api/progress/{clerkId}/{tmdbId}"]["get"]["responses"]
    listed = document["paths"]["/api/progress/{clerkId}"]["get"]["responses"]["200"]

    assert "Resume-Applied" in save["headers"]
    assert "ETag" in read["200"]["headers"]
    assert "ETag" in read["304"]["headers"]
    assert "Link" in listed["headers"]


def as_documented(answer):
    """`answer` with the one value that no example can know."""
    points = answer if isinstance(answer, list) else [answer]
    dated = [point | {"updatedAt": "2026-11-20T10:00:00.000Z"} for point in points]
    return dated if isinstance(answer, list) else dated[0]


def test_the_example_of_a_save_gives_the_examples_of_the_answers(client, document):
    paths, headers = document["paths"], bearer(EXAMPLE_USER)
    save = content_of(paths["/api/progress"]["post"]["requestBody"])["example"]
    user, point = f"/api/progress/{EXAMPLE_USER}", f"/api/progress/{EXAMPLE_USER}/{EXAMPLE_VIDEO}"

    assert client.post("/api/progress", json=save, headers=headers).status_code == 204
    for template, path in (
        ("/api/progress/{clerkId}", user),
        ("/api/progress/{clerkId}/{tmdbId}", point),
    ):
        example = content_of(paths[template]["get"]["responses"]["200"])["example"]
        assert as_documented(client.get(path, headers=headers).get_json()) == example


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_the_examples_of_the_operations_are_real(client, document, path):
    example = content_of(document["paths"][path]["get"]["responses"]["200"])["example"]

    assert client.get(path).get_json() == example


def test_the_examples_of_failures_are_what_the_service_says(client, document):
    responses = document["paths"]["/api/progress"]["post"]["responses"]
    good = {"clerkId": "ann", "tmdbId": "v1", "currentTime": 60}

    def save(body, headers, **how):
        return client.post("/api/progress", headers=headers, **({"json": body} | how))

    real = {
        "400": save(good | {"currentTime": "60"}, bearer()),
        "401": save(good, {}),
        "403": save(good, bearer("bob")),
        "413": save(good | {"note": "x" * 65_536}, bearer()),
        "415": save(None, bearer(), data="{}", json=None, content_type="text/html"),
    }
    for status, answer in real.items():
        assert answer.status_code == int(status)
        assert answer.get_json() == content_of(responses[status])["example"]

    missing = document["paths"]["/api/progress/{clerkId}/{tmdbId}"]["get"]["responses"]["404"]
    answer = client.get("/api/progress/ann/none", headers=bearer())
    assert answer.get_json() == content_of(missing)["example"]
