"""deploy/nginx.conf under a real nginx, in front of the real service."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import shutil
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dev.service import ROOT, free_port
from tests.support.eventually import eventually
from tests.support.load_clients import Viewer
from tests.support.tokens import bearer

CONFIG = ROOT / "deploy" / "nginx.conf"
KIB = 1024
POINT = "/api/progress/ann/v1"

pytestmark = pytest.mark.skipif(
    shutil.which("nginx") is None, reason="nginx is not installed here (apt-get install nginx)"
)


class Answer:
    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Nginx:
    """A running nginx with the deployed configuration, its addresses rewritten to loopback."""

    def __init__(self, directory: Path, upstream: int, read_timeout: str) -> None:
        self.port = free_port()
        text = CONFIG.read_text()
        for deployed, here in (
            ("server web:8000;", f"server 127.0.0.1:{upstream};"),
            ("listen 8080;", f"listen 127.0.0.1:{self.port};"),
            ("proxy_read_timeout 5s;", f"proxy_read_timeout {read_timeout};"),
            ("/tmp/", f"{directory}/"),
        ):
            assert deployed in text
            text = text.replace(deployed, here)
        config = directory / "nginx.conf"
        config.write_text(text)
        self.command = ["nginx", "-c", str(config), "-e", str(directory / "error.log")]
        self._process = subprocess.Popen([*self.command, "-g", "daemon off;"])

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        text = None if body is None else json.dumps(body)
        given = {"Content-Type": "application/json"} if text else {}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        with contextlib.closing(connection):
            connection.request(method, path, text, given | headers)
            return Answer(connection.getresponse())

    def ask_raw(self, request: bytes) -> Answer:
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            connection.sendall(request)
            response = http.client.HTTPResponse(connection)
            response.begin()
            return Answer(response)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()

    def wait_until_it_listens(self) -> None:
        eventually(self._listens)

    def _listens(self) -> bool:
        assert self._process.poll() is None
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@pytest.fixture
def nginx_before(tmp_path) -> Iterator[Any]:
    """`nginx_before(port)`: an nginx in front of the server at `port`."""
    running: list[Nginx] = []

    def start(upstream: int, read_timeout: str = "5s") -> Nginx:
        running.append(Nginx(tmp_path, upstream, read_timeout))
        running[-1].wait_until_it_listens()
        return running[-1]

    yield start
    for each in running:
        each.stop()


@pytest.fixture
def nginx(nginx_before, service) -> Nginx:
    return nginx_before(service.port)


def a_save(at=60, **fields):
    return {"clerkId": "ann", "tmdbId": "v1", "currentTime": at, "duration": 5400} | fields


def assert_is_ours(answer: Answer, status: int) -> None:
    """The one error shape, with the headers that every answer of the service carries."""
    assert answer.status == status
    assert answer.headers["Content-Type"] == "application/json"
    assert list(answer.json) == ["error"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Request-Id"]


def test_the_configuration_is_accepted_without_a_warning(nginx):
    checked = subprocess.run([*nginx.command, "-t"], capture_output=True, text=True, check=False)

    assert checked.returncode == 0
    assert "warn" not in checked.stderr


def test_a_point_saved_through_nginx_is_read_back_through_it(nginx):
    saved = nginx.ask("POST", "/api/progress", a_save(at=60), **bearer())
    read = nginx.ask("GET", POINT, **bearer())

    assert (saved.status, saved.headers["Resume-Applied"]) == (204, "true")
    assert read.status == 200
    assert read.json["currentTime"] == 60


def test_nginx_does_not_tell_its_version(nginx):
    assert nginx.ask("GET", "/healthz").headers["Server"] == "nginx"


def test_an_id_with_escapes_reaches_the_service_as_it_was_sent(nginx):
    nginx.ask("POST", "/api/progress", a_save(tmdbId="a:b%c"), **bearer())

    assert nginx.ask("GET", "/api/progress/ann/a%3Ab%25c", **bearer()).status == 200


def test_the_callers_request_id_comes_back_and_one_unfit_for_logs_does_not(nginx):
    assert nginx.ask("GET", "/healthz", **{"X-Request-Id": "r-1"}).headers["X-Request-Id"] == "r-1"
    made = nginx.ask("GET", "/healthz", **{"X-Request-Id": "not fit"}).headers["X-Request-Id"]
    assert re.fullmatch("[0-9a-f]{32}", made)


@pytest.mark.parametrize(
    ("size", "by_service"),
    [pytest.param(65 * KIB, True, id="by-service"), pytest.param(200 * KIB, False, id="by-nginx")],
)
def test_too_large_a_body_is_refused_in_our_shape(nginx_before, own_service, size, by_service):
    nginx = nginx_before(own_service.port)
    answer = nginx.ask("POST", "/api/progress", a_save(note="x" * size), **bearer())
    with urllib.request.urlopen(f"{own_service.address}/metrics") as figures:
        counted_by_service = 'status="413"' in figures.read().decode()

    assert_is_ours(answer, 413)
    assert answer.json == {"error": "Request Entity Too Large"}
    assert counted_by_service == by_service


def test_a_token_of_10_kb_reaches_the_service_which_refuses_it(nginx):
    answer = nginx.ask("GET", POINT, Authorization="Bearer " + "x" * 10_000)

    assert_is_ours(answer, 401)
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: h\r\nA: " + b"x" * 20_000, 400, id="header"),
        pytest.param(b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: h", 414, id="URI"),
        pytest.param(b"GET nothing HTTP/1.1\r\nHost: h", 400, id="nonsense"),
        pytest.param(b"TRACE / HTTP/1.1\r\nHost: h", 405, id="TRACE"),
    ],
)
def test_what_nginx_itself_refuses_has_our_shape(nginx, request_line, status):
    assert_is_ours(nginx.ask_raw(request_line + b"\r\n\r\n"), status)


@pytest.mark.parametrize(
    "path", ["/metrics", "/metrics?a=b", "//metrics", "/%6detrics", "/a/../metrics"]
)
def test_metrics_do_not_exist_from_outside(nginx, path):
    assert_is_ours(nginx.ask("GET", path), 404)


def test_a_failure_of_the_service_passes_unchanged(nginx):
    answer = nginx.ask("POST", "/api/progress", a_save(at="soon"), **bearer())

    assert answer.status == 400
    assert "currentTime" in answer.json["details"]


def test_long_lists_are_compressed_for_those_who_take_it_and_points_are_not(nginx):
    for number in range(30):
        nginx.ask("POST", "/api/progress", a_save(tmdbId=f"v{number}"), **bearer())
    takes_gzip = bearer() | {"Accept-Encoding": "gzip"}

    assert nginx.ask("GET", "/api/progress/ann", **takes_gzip).headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in nginx.ask("GET", POINT, **takes_gzip).headers
    assert len(nginx.ask("GET", "/api/progress/ann", **bearer()).json) == 30


def test_an_etag_that_gzip_has_weakened_still_saves_the_body(nginx):
    nginx.ask("POST", "/api/progress", a_save(), **bearer())
    etag = nginx.ask("GET", POINT, **bearer()).headers["ETag"]

    for known in (etag, f"W/{etag}"):
        assert nginx.ask("GET", POINT, **bearer() | {"If-None-Match": known}).status == 304


def test_while_the_service_is_down_callers_are_told_to_try_again(nginx_before):
    answer = nginx_before(free_port()).ask("GET", POINT, **bearer())

    assert_is_ours(answer, 502)
    assert answer.headers["Retry-After"] == "1"


def test_a_service_that_hangs_is_given_up_with_504(nginx_before):
    with socket.create_server(("127.0.0.1", 0)) as hung:
        answer = nginx_before(hung.getsockname()[1], "200ms").ask("GET", POINT, **bearer())

    assert_is_ours(answer, 504)
    assert answer.headers["Retry-After"] == "1"


def a_server_that_drops_a_kept_connection(listener: socket.socket) -> None:
    """Answers one request, hangs up on the next on that connection, answers on a new one."""
    for _ in range(2):
        connection, _ = listener.accept()
        with connection:
            connection.recv(64 * KIB)
            connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
            connection.recv(64 * KIB)


def test_a_save_that_met_a_closing_connection_is_sent_again(nginx_before):
    """As when a worker of the service ends just then: saves can be repeated, so none is lost."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)
        server = threading.Thread(
            target=a_server_that_drops_a_kept_connection, args=(listener,), daemon=True
        )
        server.start()
        nginx = nginx_before(listener.getsockname()[1])
        # One connection, so that one nginx worker with its kept connections handles both.
        ann = Viewer(nginx.port, "ann")
        statuses = [ann.save().status for _ in range(2)]
        nginx.stop()
        server.join(30)

    assert statuses == [204, 204]


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"POST /api/progress HTTP/1.1\r\nHost: ser",
        b"POST /api/progress HTTP/1.1\r\nHost: service\r\nContent-Length: 60\r\n\r\n{",
    ],
    ids=["nothing", "half a header", "half a body"],
)
def test_clients_that_stall_stop_nobody_elses_saves(nginx, sent):
    """Twice as many as the service has threads: nginx holds them until their request is whole."""
    with contextlib.ExitStack() as stalled:
        for _ in range(64):
            connection = socket.create_connection(("127.0.0.1", nginx.port))
            stalled.enter_context(connection).sendall(sent)

        began = time.monotonic()
        answers = [nginx.ask("POST", "/api/progress", a_save(), **bearer()) for _ in range(5)]
        statuses = [answer.status for answer in answers]
        seconds = time.monotonic() - began

    assert statuses == [204] * 5
    assert seconds < 5
