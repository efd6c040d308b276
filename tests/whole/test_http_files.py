"""`http/*.http`: every route is in one of them, and `make http` fails for what it should.

What the answers are, `make http` itself checks, in the gate.
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
"""Not those of httpYac, as in {{$guid}}, nor longer expressions."""

in_each_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)


@pytest.fixture(scope="module")
def paths():
    """The paths of the OpenAPI document, as they are with every setting, and the page beside it."""
    settings = Settings(
        jwt_secret=SECRET,
        database_url="postgresql://nowhere/none",
        stripe_webhook_secret=SECRET,
    )
    document = create_app(settings).test_client().get("/openapi.json").get_json()
    return document["paths"] | {"/dashboard": {"get": {}}}


def is_call_of(template: str, path: str) -> bool:
    """Whether a request of `path` reaches the route `template`; a literal word goes before."""
    asked, had = path.strip("/").split("/"), template.strip("/").split("/")
    return len(asked) == len(had) and all(
        word == part or part.startswith("{") for word, part in zip(asked, had, strict=True)
    )


def route_of(method: str, path: str, paths) -> str | None:
    """The most literal route that takes the call."""
    possible = [each for each in paths if method.lower() in paths[each] and is_call_of(each, path)]
    return min(possible, key=lambda each: each.count("{"), default=None)


def test_every_route_is_called_by_some_file(paths):
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
def test_every_request_of_a_file_is_of_a_route_and_checked(file, paths):
    requests = re.split(r"^###", file.read_text(), flags=re.MULTILINE)[1:]

    for request in requests:
        [(method, path)] = REQUEST.findall(request)
        assert route_of(method, path, paths), path
        assert re.search(r"^\?\? status == \d\d\d$", request, re.MULTILINE), request


@pytest.fixture
def shared():
    """The names of the variables that every file may take."""
    accounts = [Account(number, "", Role.GUEST, has_password=True) for number in (1, 2)]
    company = Company(1, "", Plan.PAID, tuple(accounts), 0)
    return list(variables(Demo((company,), 0, 0), Settings(jwt_secret=SECRET), "", ""))


@in_each_file
def test_a_file_takes_only_variables_that_there_are(file, shared):
    text = file.read_text()
    own = set(re.findall(r"^(?:# @name |@|\s*exports\.)(\w+)", text, re.MULTILINE))

    assert set(VARIABLE.findall(text)) <= own | set(shared)


def test_the_readme_of_the_files_explains_each_variable(shared):
    readme = (FOLDER / "README.md").read_text()

    assert re.findall(r"^\| `\{\{(\w+)\}\}`", readme, re.MULTILINE) == shared


GOOD = "### One\nGET {{address}}/healthz\n\n?? status == 200\n"
CHECK = {"message": "status == 200", "status": "SUCCESS"}
SENT = {"line": 1, "title": "One", "response": {"statusCode": 500, "body": "oh"}}


def found(text=GOOD, checks=(CHECK,), times=1):
    return list(faults(text, [SENT | {"testResults": list(checks)}] * times))


def test_a_file_whose_requests_were_sent_and_whose_checks_hold_is_good():
    assert found() == []


@pytest.mark.parametrize("status", ["FAILED", "ERROR", "SKIPPED"])
def test_a_check_that_does_not_hold_is_told_with_the_answer(status):
    [told] = found(checks=[CHECK | {"status": status}])

    assert "line 2, One: status == 200, answered 500 oh" in told


def test_an_answer_that_nothing_checks_is_a_failure():
    assert "nothing checks its answer" in found(GOOD.replace("?? ", "# "), checks=[])[0]


def test_a_line_that_was_not_taken_for_a_check_is_a_failure():
    assert "2 checks are written, 1 were made" in found(GOOD + "?? body is good\n")[0]


def test_a_request_that_was_not_sent_is_a_failure():
    assert "1 requests are written, 0 were sent" in found(times=0)[0]


def test_a_file_of_no_requests_is_a_failure():
    assert list(faults("", [])) != []


def test_the_lockfile_pins_the_runner_and_names_no_package_registry():
    locked = (FOLDER / "package-lock.json").read_text()

    assert '"httpyac": "6' in locked
    assert '"resolved"' not in locked
    assert "make http" in (ROOT / ".ci" / "run").read_text()
