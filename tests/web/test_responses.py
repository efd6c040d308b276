"""What every answer has in common: request id, headers, CORS, the shape of failures."""

from __future__ import annotations

import json
import re
import socket
from http.client import HTTPResponse

import pytest

from resume_service.resume.store import ResumeStore
from resume_service.telemetry import logs
from tests.support.tokens import SECRET, bearer, token

PATIENCE_SECONDS = 20.0
MADE = re.compile(r"[0-9a-f]{32}")
GOOD = {"clerkId": "ann", "tmdbId": "v1", "currentTime": 60}
POINT = "/api/progress/ann/v1"
BROKEN = "/api/progress/ann/broken"

EVERY_KIND_OF_ANSWER = [
    ("GET", "/healthz", 200),
    ("GET", "/readyz", 200),
    ("GET", "/metrics", 200),
    ("GET", "/openapi.json", 200),
    ("GET", "/docs", 200),
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
    """The application, asked by ann; reading BROKEN meets a defect of ours."""
    points = client.application.extensions["resume_service"].get(ResumeStore)
    get = points.get

    def get_or_break(user, video):
        return {}["secret of the inside"] if video == "broken" else get(user, video)

    monkeypatch.setattr(points, "get", get_or_break)
    client.environ_base["HTTP_AUTHORIZATION"] = bearer()["Authorization"]
    return client


def no_token(client):
    del client.environ_base["HTTP_AUTHORIZATION"]


@pytest.mark.parametrize(("method", "path", "status"), EVERY_KIND_OF_ANSWER)
def test_every_answer_carries_the_id_of_its_request(ann, method, path, status):
    taken = ann.open(path, method=method, headers={"X-Request-Id": "Abc-1._9"})
    made = ann.open(path, method=method)

    assert (taken.status_code, made.status_code) == (status, status)
    assert taken.headers.getlist("X-Request-Id") == ["Abc-1._9"]
    assert MADE.fullmatch(made.headers["X-Request-Id"])


@pytest.mark.parametrize(("method", "path", "status"), EVERY_KIND_OF_ANSWER)
def test_no_answer_may_be_stored(ann, method, path, status):
    answer = ann.open(path, method=method)

    assert answer.status_code == status
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(("method", "path", "status"), EVERY_KIND_OF_ANSWER)
def test_every_failure_has_the_one_shape(ann, method, path, status):
    answer = ann.open(path, method=method)

    if status >= 400:
        assert answer.content_type == "application/json"
        assert isinstance(answer.get_json()["error"], str)
        assert set(answer.get_json()) <= {"error", "details"}
    assert answer.status_code == status


def test_a_401_and_a_413_carry_the_request_id_too(ann):
    large = ann.post("/api/progress", data=b" " * 65_537, content_type="text/plain")
    no_token(ann)
    nameless = ann.get(POINT)

    assert (large.status_code, nameless.status_code) == (413, 401)
    assert MADE.fullmatch(large.headers["X-Request-Id"])
    assert MADE.fullmatch(nameless.headers["X-Request-Id"])


@pytest.mark.parametrize("given", ["a", "0", ".", "-", "_", "x" * 64])
def test_a_good_request_id_is_taken_as_it_is(client, given):
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
def test_any_other_request_id_is_replaced(client, given):
    answer = client.get("/healthz", headers={"X-Request-Id": given})

    assert MADE.fullmatch(answer.headers["X-Request-Id"])


def test_no_two_requests_share_a_made_id(client):
    made = {client.get("/healthz").headers["X-Request-Id"] for _ in range(50)}

    assert len(made) == 50


@pytest.mark.parametrize("key", ["abc", "x" * 1000, "a b", '"8e03978e-40d5-43dd"', "é"])
@pytest.mark.parametrize(("method", "path"), [("POST", "/api/progress"), ("DELETE", POINT)])
def test_a_write_echoes_its_idempotency_key(ann, method, path, key):
    body = GOOD if method == "POST" else None
    answer = ann.open(path, method=method, json=body, headers={"Idempotency-Key": key})

    assert answer.status_code in (204, 404)
    assert answer.headers.getlist("Idempotency-Key") == [key]


def test_a_refused_write_echoes_its_idempotency_key_and_a_read_never_does(ann):
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
def test_a_405_says_what_is_allowed(client, method, path, allowed):
    answer = client.open(path, method=method)

    assert answer.get_json() == {"error": "Method Not Allowed"}
    assert set(answer.headers["Allow"].split(", ")) == allowed


@pytest.mark.parametrize(
    "path", ["/", "/api", "/api/progress/", "/healthz/", "/..", "/%2e%2e/etc", "/<x>"]
)
def test_an_unknown_path_is_a_404_that_repeats_nothing_of_it(client, path):
    answer = client.get(path)

    assert (answer.status_code, answer.get_json()) == (404, {"error": "Not Found"})


def test_a_defect_of_ours_says_nothing_of_the_inside(ann):
    answer = ann.get(BROKEN)

    assert answer.status_code == 500
    assert answer.get_json() == {"error": "Internal server error"}
    assert "secret" not in str(answer.headers) + answer.text


@pytest.fixture
def errors_of(capsys):
    """`errors_of(call)`: what `call` makes the service log as errors."""

    def errors(call):
        logs.configure("info")  # capsys gives the test another stderr than its fixtures had
        call()
        lines = map(json.loads, capsys.readouterr().err.splitlines())
        return [line for line in lines if line["level"] == "error"]

    return errors


def test_the_log_of_a_defect_holds_its_request_id_beside_the_traceback(errors_of, ann):
    (line,) = errors_of(lambda: ann.get(BROKEN, headers={"X-Request-Id": "find-me"}))

    assert line["request_id"] == "find-me"
    assert [fault["exc_type"] for fault in line["exception"]] == ["KeyError"]
    assert line["exception"][0]["frames"][-1]["name"] == "get_or_break"


def test_a_made_request_id_is_the_one_in_the_log(errors_of, ann):
    answers = []
    (line,) = errors_of(lambda: answers.append(ann.get(BROKEN)))

    assert line["request_id"] == answers[0].headers["X-Request-Id"]


def test_the_log_of_a_defect_holds_no_secret_and_no_token(errors_of, ann, monkeypatch):
    def broken(*_args, **_kwargs):
        raise RuntimeError

    monkeypatch.setattr("jwt.decode", broken)
    text = json.dumps(errors_of(lambda: ann.get(POINT)))

    assert "RuntimeError" in text
    assert SECRET not in text
    assert token().partition(".")[0] not in text


def test_the_log_of_a_defect_holds_no_point_of_a_user(errors_of, ann):
    text = json.dumps(errors_of(lambda: ann.get(BROKEN)))

    assert "KeyError" in text
    assert '"locals"' not in text


def test_one_request_s_id_is_not_in_the_log_of_the_next(errors_of, ann):
    ids = ("first", "second")
    lines = errors_of(lambda: [ann.get(BROKEN, headers={"X-Request-Id": each}) for each in ids])

    assert [line["request_id"] for line in lines] == ["first", "second"]


@pytest.fixture
def connection(service):
    with socket.create_connection(("127.0.0.1", service.port), PATIENCE_SECONDS) as opened:
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
def test_the_server_answers_any_method_without_a_500(connection, method, status):
    answer = ask(connection, f"{method} /healthz HTTP/1.1\r\nX-Request-Id: m1".encode())

    assert (answer.status, answer.headers["X-Request-Id"]) == (status, "m1")


@pytest.mark.parametrize("name", ["X-Request-Id", "Idempotency-Key"])
@pytest.mark.parametrize(
    "value",
    [f"a{line_end}Set-Cookie: x=1" for line_end in ("\r\n ", "\n", "\r", "\0", "\x85", "\u2028")],
)
def test_no_header_of_a_request_adds_one_to_the_answer(connection, name, value):
    answer = ask(connection, f"POST /api/progress HTTP/1.1\r\n{name}: {value}".encode())

    assert answer.status in (400, 401)
    assert "Set-Cookie" not in answer.headers
