"""`http/*.http`: they call every route, and `make http` detects each kind of failure.

`make http` itself checks the responses. The gate runs it.
"""

from __future__ import annotations

import re

import pytest

from dev.http_files import FOLDER, faults
from dev.http_variables import variables
from dev.service import ROOT
from resume_service import create_app
from resume_service.accounts.model import Plan
from resume_service.auth.identity import Role
from resume_service.demo.catalogue import Account, Company, Demo
from resume_service.settings import Settings
from tests.support.tokens import SECRET

FILES = sorted(FOLDER.glob("*.http"))

REQUEST = re.compile(r"^([A-Z]+) \{\{address\}\}(/[^\s?]*)", re.MULTILINE)
VARIABLE = re.compile(r"\{\{(?:encodeURIComponent\()?(\w+)(?:\.[\w.]+)?\)?\}\}")
"""Matches variables of a file, but no variables of httpYac like {{$guid}} and no expressions."""

in_each_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)


@pytest.fixture(scope="module")
def paths():
    """The paths of the OpenAPI document with all features on, and the dashboard page."""
    settings = Settings(
        jwt_secret=SECRET,
        database_url="postgresql://nowhere/none",
        stripe_webhook_secret=SECRET,
    )
    document = create_app(settings).test_client().get("/openapi.json").get_json()
    return document["paths"] | {"/dashboard": {"get": {}}}


def is_call_of(template: str, path: str) -> bool:
    """Whether the route `template` matches `path`."""
    words, parts = path.strip("/").split("/"), template.strip("/").split("/")
    return len(words) == len(parts) and all(
        word == part or part.startswith("{") for word, part in zip(words, parts, strict=True)
    )


def route_of(method: str, path: str, paths) -> str | None:
    """The matching route with the fewest parameters: it has precedence."""
    possible = [each for each in paths if method.lower() in paths[each] and is_call_of(each, path)]
    return min(possible, key=lambda each: each.count("{"), default=None)


def test_the_http_files_call_every_route(paths):
    calls = [call for file in FILES for call in REQUEST.findall(file.read_text())]
    called = {(method, route_of(method, path, paths)) for method, path in calls}
    routes = {
        (method.upper(), path)
        for path, operations in paths.items()
        for method in operations
        if method in ("get", "post", "put", "patch", "delete")
    }

    assert routes - called == set()


@in_each_file
def test_every_request_calls_a_route_and_checks_its_status(file, paths):
    requests = re.split(r"^###", file.read_text(), flags=re.MULTILINE)[1:]

    for request in requests:
        [(method, path)] = REQUEST.findall(request)
        assert route_of(method, path, paths), path
        assert re.search(r"^\?\? status == \d\d\d$", request, re.MULTILINE), request


@pytest.fixture
def shared():
    """The names of the variables that every file may use."""
    accounts = [Account(number, "", Role.GUEST, has_password=True) for number in (1, 2)]
    company = Company(1, "", Plan.PAID, tuple(accounts), 0)
    return list(variables(Demo((company,), 0, 0), Settings(jwt_secret=SECRET), "", ""))


@in_each_file
def test_a_file_uses_only_defined_variables(file, shared):
    text = file.read_text()
    own = set(re.findall(r"^(?:# @name |@|\s*exports\.)(\w+)", text, re.MULTILINE))

    assert set(VARIABLE.findall(text)) <= own | set(shared)


def test_the_http_readme_explains_each_variable(shared):
    readme = (FOLDER / "README.md").read_text()

    assert re.findall(r"^\| `\{\{(\w+)\}\}`", readme, re.MULTILINE) == shared


GOOD = "### One\nGET {{address}}/healthz\n\n?? status == 200\n"
CHECK = {"message": "status == 200", "status": "SUCCESS"}
SENT = {"line": 1, "title": "One", "response": {"statusCode": 500, "body": "oh"}}


def found(text=GOOD, checks=(CHECK,), times=1):
    return list(faults(text, [SENT | {"testResults": list(checks)}] * times))


def test_a_file_with_all_requests_sent_and_all_checks_passed_is_good():
    assert found() == []


@pytest.mark.parametrize("status", ["FAILED", "ERROR", "SKIPPED"])
def test_a_failed_check_is_reported_with_the_response(status):
    [fault] = found(checks=[CHECK | {"status": status}])

    assert "line 2, One: status == 200, answered 500 oh" in fault


def test_a_request_without_a_check_is_a_failure():
    assert "nothing checks its answer" in found(GOOD.replace("?? ", "# "), checks=[])[0]


def test_a_check_that_was_not_made_is_a_failure():
    assert "2 checks are written, 1 were made" in found(GOOD + "?? body is good\n")[0]


def test_a_request_that_was_not_sent_is_a_failure():
    assert "1 requests are written, 0 were sent" in found(times=0)[0]


def test_a_file_without_requests_is_a_failure():
    assert list(faults("", [])) != []


def test_the_lockfile_pins_httpyac_and_names_no_package_registry():
    locked = (FOLDER / "package-lock.json").read_text()

    assert '"httpyac": "6' in locked
    assert '"resolved"' not in locked
    assert "make http" in (ROOT / ".ci" / "run").read_text()
