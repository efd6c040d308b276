"""Common to all responses: request id, headers, and the format of failures."""

from __future__ import annotations

import json
import re
import socket
from http.client import HTTPResponse

import pytest

from resume_service.resume.store import ResumeStore
from resume_service.telemetry import logs
from tests.support.tokens import SECRET, bearer, token

TIMEOUT_SECONDS = 20.0
GENERATED = re.compile(r"[0-9a-f]{32}")
GOOD = {"clerkId": "ann", "tmdbId": "v1", "currentTime": 60}
POINT = "/api/progress/ann/v1"
BROKEN = "/api/progress/ann/broken"

RESPONSES = [
    ("GET", "/healthz", 200),
    ("GET", "/readyz", 200),
    ("GET", "/metrics", 200),
    ("GET", "/openapi.json", 200),
    ("OPTIONS", POINT, 200),
    ("POST", "/api/progress", 415),
    ("GET", "/api/progress/ann", 200),
    ("GET", "/api/progress/ann?limit=0", 400),
    ("GET", "/api/progress/bob", 403),
    ("GET", POINT, 404),
    ("DELETE", POINT, 404),
    ("GET", "/nowhere", 404),
    ("PUT", "/api/progress", 405),
    ("BREW", POINT, 405),
    ("GET", BROKEN, 500),
]


@pytest.fixture
def ann(client, monkeypatch):
    """A client with the token of ann. Reading BROKEN raises an unexpected exception."""
    points = client.application.extensions["resume_service"].get(ResumeStore)
    get = points.get

    def get_or_break(user, video):
        return {}["internal secret"] if video == "broken" else get(user, video)

    monkeypatch.setattr(points, "get", get_or_break)
    client.environ_base["HTTP_AUTHORIZATION"] = bearer()["Authorization"]
    return client


def no_token(client):
    del client.environ_base["HTTP_AUTHORIZATION"]


@pytest.mark.parametrize(("method", "path", "status"), RESPONSES)
def test_every_response_has_a_request_id(ann, method, path, status):
    kept = ann.open(path, method=method, headers={"X-Request-Id": "Abc-1._9"})
    generated = ann.open(path, method=method)

    assert (kept.status_code, generated.status_code) == (status, status)
    assert kept.headers.getlist("X-Request-Id") == ["Abc-1._9"]
    assert GENERATED.fullmatch(generated.headers["X-Request-Id"])


@pytest.mark.parametrize(("method", "path", "status"), RESPONSES)
def test_every_response_has_no_store_and_nosniff(ann, method, path, status):
    answer = ann.open(path, method=method)

    assert answer.status_code == status
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


FAILURES = [each for each in RESPONSES if each[2] >= 400]


@pytest.mark.parametrize(("method", "path", "status"), FAILURES)
def test_every_failure_has_the_common_json_format(ann, method, path, status):
    answer = ann.open(path, method=method)

    assert answer.status_code == status
    assert answer.content_type == "application/json"
    assert isinstance(answer.get_json()["error"], str)
    assert set(answer.get_json()) <= {"error", "details"}


def test_401_and_413_have_a_request_id_too(ann):
    large = ann.post("/api/progress", data=b" " * 65_537, content_type="text/plain")
    no_token(ann)
    anonymous = ann.get(POINT)

    assert (large.status_code, anonymous.status_code) == (413, 401)
    assert GENERATED.fullmatch(large.headers["X-Request-Id"])
    assert GENERATED.fullmatch(anonymous.headers["X-Request-Id"])


@pytest.mark.parametrize("given", ["a", "0", ".", "-", "_", "x" * 64])
def test_valid_request_id_is_returned_unchanged(client, given):
    assert client.get("/healthz", headers={"X-Request-Id": given}).headers["X-Request-Id"] == given


@pytest.mark.parametrize(
    "given",
    [
        "",
        " ",
        "x" * 65,
        "a b",
        "a/b",
        "a:b",
        "a,b",
        "é",
        "٣",
        "<script>",
        "a;b",
        '"a"',
        "a\tb",
        "%0d%0a",
    ],
)
def test_invalid_request_id_is_replaced(client, given):
    answer = client.get("/healthz", headers={"X-Request-Id": given})

    assert GENERATED.fullmatch(answer.headers["X-Request-Id"])


def test_generated_request_ids_are_unique(client):
    ids = {client.get("/healthz").headers["X-Request-Id"] for _ in range(50)}

    assert len(ids) == 50


@pytest.mark.parametrize("key", ["abc", "x" * 1000, "a b", '"8e03978e-40d5-43dd"', "é"])
@pytest.mark.parametrize(("method", "path"), [("POST", "/api/progress"), ("DELETE", POINT)])
def test_write_returns_its_idempotency_key(ann, method, path, key):
    body = GOOD if method == "POST" else None
    answer = ann.open(path, method=method, json=body, headers={"Idempotency-Key": key})

    assert answer.status_code in (204, 404)
    assert answer.headers.getlist("Idempotency-Key") == [key]


def test_refused_write_returns_its_idempotency_key_and_a_read_does_not(ann):
    key = {"Idempotency-Key": "k1"}

    assert ann.post("/api/progress", json={}, headers=key).headers["Idempotency-Key"] == "k1"
    assert "Idempotency-Key" not in ann.get(POINT, headers=key).headers
    assert "Idempotency-Key" not in ann.post("/api/progress", json=GOOD).headers


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/api/progress", {"POST", "OPTIONS"}),
        ("PATCH", POINT, {"GET", "HEAD", "OPTIONS", "DELETE"}),
        ("POST", "/api/progress/ann", {"GET", "HEAD", "OPTIONS"}),
        ("POST", "/healthz", {"GET", "HEAD", "OPTIONS"}),
        ("BREW", "/openapi.json", {"GET", "HEAD", "OPTIONS"}),
    ],
)
def test_405_lists_the_allowed_methods(client, method, path, allowed):
    answer = client.open(path, method=method)

    assert answer.get_json() == {"error": "Method Not Allowed"}
    assert set(answer.headers["Allow"].split(", ")) == allowed


@pytest.mark.parametrize(
    "path", ["/api", "/api/progress/", "/healthz/", "/..", "/%2e%2e/etc", "/<x>"]
)
def test_unknown_path_is_404_without_the_path_in_the_body(client, path):
    answer = client.get(path)

    assert (answer.status_code, answer.get_json()) == (404, {"error": "Not Found"})


def test_response_to_a_defect_reveals_no_internals(ann):
    answer = ann.get(BROKEN)

    assert answer.status_code == 500
    assert answer.get_json() == {"error": "Internal server error"}
    assert "secret" not in str(answer.headers) + answer.text


@pytest.fixture
def errors_of(capsys):
    """`errors_of(call)`: the errors that the service logs during `call`."""

    def errors(call):
        logs.configure("info")  # capsys replaces stderr after the fixtures
        call()
        lines = map(json.loads, capsys.readouterr().err.splitlines())
        return [line for line in lines if line["level"] == "error"]

    return errors


def test_log_of_a_defect_has_request_id_and_traceback(errors_of, ann):
    (line,) = errors_of(lambda: ann.get(BROKEN, headers={"X-Request-Id": "find-me"}))

    assert line["request_id"] == "find-me"
    assert [fault["exc_type"] for fault in line["exception"]] == ["KeyError"]
    assert line["exception"][0]["frames"][-1]["name"] == "get_or_break"


def test_generated_request_id_is_in_the_log(errors_of, ann):
    answers = []
    (line,) = errors_of(lambda: answers.append(ann.get(BROKEN)))

    assert line["request_id"] == answers[0].headers["X-Request-Id"]


def test_log_of_a_defect_has_no_secret_and_no_token(errors_of, ann, monkeypatch):
    def broken(*_args, **_kwargs):
        raise RuntimeError

    monkeypatch.setattr("jwt.decode", broken)
    text = json.dumps(errors_of(lambda: ann.get(POINT, headers=bearer(jti="not cached"))))

    assert "RuntimeError" in text
    assert SECRET not in text
    assert token().partition(".")[0] not in text


def test_log_of_a_defect_has_no_local_variables(errors_of, ann):
    text = json.dumps(errors_of(lambda: ann.get(BROKEN)))

    assert "KeyError" in text
    assert '"locals"' not in text


def test_each_log_line_has_the_id_of_its_own_request(errors_of, ann):
    ids = ("first", "second")
    lines = errors_of(lambda: [ann.get(BROKEN, headers={"X-Request-Id": each}) for each in ids])

    assert [line["request_id"] for line in lines] == ["first", "second"]


@pytest.fixture
def connection(service):
    with socket.create_connection(("127.0.0.1", service.port), TIMEOUT_SECONDS) as opened:
        yield opened


def ask(connection, head):
    connection.sendall(head + b"\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
    answer = HTTPResponse(connection)
    answer.begin()
    return answer


@pytest.mark.parametrize(
    ("method", "status"),
    [
        *((known, 200) for known in ("GET", "HEAD", "OPTIONS")),
        *((other, 405) for other in ("TRACE", "CONNECT", "PROPFIND", "M-SEARCH", "BREW")),
    ],
)
def test_server_answers_any_method_with_200_or_405(connection, method, status):
    answer = ask(connection, f"{method} /healthz HTTP/1.1\r\nX-Request-Id: m1".encode())

    assert (answer.status, answer.headers["X-Request-Id"]) == (status, "m1")


@pytest.mark.parametrize("name", ["X-Request-Id", "Idempotency-Key"])
@pytest.mark.parametrize(
    "value",
    [f"a{line_end}Set-Cookie: x=1" for line_end in ("\r\n ", "\n", "\r", "\0", "\x85", "\u2028")],
)
def test_request_header_cannot_add_a_response_header(connection, name, value):
    answer = ask(connection, f"POST /api/progress HTTP/1.1\r\n{name}: {value}".encode())

    assert answer.status in (400, 401)
    assert "Set-Cookie" not in answer.headers
