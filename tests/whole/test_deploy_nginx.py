"""deploy/nginx.conf in a real nginx before the real service."""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from dev.service import free_port
from tests.support.eventually import eventually
from tests.support.load_clients import Viewer
from tests.support.nginx_server import CONFIG, Nginx, Response
from tests.support.tokens import bearer, token

KIB = 1024
POINT = "/api/progress/ann/v1"

pytestmark = pytest.mark.skipif(
    shutil.which("nginx") is None, reason="nginx is not installed here (apt-get install nginx)"
)


@pytest.fixture
def nginx_before(tmp_path) -> Iterator[Any]:
    """`nginx_before(port)` starts an nginx before the server at `port`."""
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


def assert_is_ours(response: Response, status: int) -> None:
    """Check the error format and the headers that every response of the service has."""
    assert response.status == status
    assert response.headers["Content-Type"] == "application/json"
    assert list(response.json) == ["error"]
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Request-Id"]


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


def test_nginx_hides_its_version(nginx):
    assert nginx.ask("GET", "/healthz").headers["Server"] == "nginx"


def test_nginx_passes_an_escaped_id_unchanged(nginx):
    nginx.ask("POST", "/api/progress", a_save(tmdbId="a:b%c"), **bearer())

    assert nginx.ask("GET", "/api/progress/ann/a%3Ab%25c", **bearer()).status == 200


def test_a_valid_request_id_is_returned_and_an_invalid_one_replaced(nginx):
    assert nginx.ask("GET", "/healthz", **{"X-Request-Id": "r-1"}).headers["X-Request-Id"] == "r-1"
    new = nginx.ask("GET", "/healthz", **{"X-Request-Id": "not fit"}).headers["X-Request-Id"]
    assert re.fullmatch("[0-9a-f]{32}", new)


@pytest.mark.parametrize(
    ("size", "by_service"),
    [pytest.param(65 * KIB, True, id="by-service"), pytest.param(200 * KIB, False, id="by-nginx")],
)
def test_a_body_that_is_too_large_gets_our_413(nginx_before, own_service, size, by_service):
    nginx = nginx_before(own_service.port)
    response = nginx.ask("POST", "/api/progress", a_save(note="x" * size), **bearer())
    with urllib.request.urlopen(f"{own_service.address}/metrics") as metrics:
        counted_by_service = 'status="413"' in metrics.read().decode()

    assert_is_ours(response, 413)
    assert response.json == {"error": "Request Entity Too Large"}
    assert counted_by_service == by_service


def test_the_service_itself_rejects_a_token_of_10_kb(nginx):
    response = nginx.ask("GET", POINT, Authorization="Bearer " + "x" * 10_000)

    assert_is_ours(response, 401)
    assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: h\r\nA: " + b"x" * 20_000, 400, id="header"),
        pytest.param(b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: h", 414, id="URI"),
        pytest.param(b"GET nothing HTTP/1.1\r\nHost: h", 400, id="nonsense"),
        pytest.param(b"TRACE / HTTP/1.1\r\nHost: h", 405, id="TRACE"),
        pytest.param(b"CONNECT / HTTP/1.1\r\nHost: h", 405, id="CONNECT"),
        pytest.param(b"GET / HTTP/2.0\r\nHost: h", 505, id="HTTP/2.0"),
        pytest.param(b"GET /v1/videos HTTP/2.0\r\nHost: h", 505, id="HTTP/2.0 to /v1"),
        pytest.param(b"GET / HTTP/3.0\r\nHost: h", 505, id="HTTP/3.0"),
        pytest.param(b"GET / HTTP/10.0\r\nHost: h", 505, id="HTTP/10.0"),
        pytest.param(b"GET / HTTP/0.9\r\nHost: h", 400, id="HTTP/0.9"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM", 400, id="preface of HTTP/2"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, id="TLS"),
        pytest.param(b"GET / HTTP/1.1", 400, id="no host"),
        pytest.param(b"GET /%00 HTTP/1.1\r\nHost: h", 400, id="%00"),
        pytest.param(b"GET /../.. HTTP/1.1\r\nHost: h", 400, id="above the root"),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip", 501, id="encoding gzip"
        ),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 2", 400,
            id="two lengths",
        ),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz", 400,
            id="broken chunk",
        ),
    ],
)  # fmt: skip
def test_errors_of_nginx_have_our_format(nginx, request_line, status):
    assert_is_ours(nginx.ask_raw(request_line + b"\r\n\r\n"), status)


def test_each_page_of_nginx_itself_is_replaced():
    """The statuses for which nginx has an HTML page, in its ngx_http_special_response.c.

    301 to 308 are redirects. 494 to 497 become 400. nginx closes the connection for 498 and 499.
    """
    pages = {*range(400, 407), *range(408, 417), 421, 429, *range(494, 498), *range(500, 506), 507}
    lines = re.findall(r"^ *error_page ([^;]+) /failure;", CONFIG.read_text(), re.MULTILINE)

    assert {int(each) for each in " ".join(lines).split() if each[0] != "="} == pages


@pytest.mark.parametrize("path", ["/v1", "/v1?a=b", "/v1/", "/%76%31"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_nginx_redirects_no_path(nginx, path, method):
    """nginx would answer `/v1` with a redirect to `/v1/` in HTML, because of the location `/v1/`."""
    assert_is_ours(nginx.ask(method, path), 404)


@pytest.mark.parametrize(
    "path", ["/metrics", "/metrics?a=b", "//metrics", "/%6detrics", "/a/../metrics"]
)
def test_metrics_are_404_through_nginx(nginx, path):
    assert_is_ours(nginx.ask("GET", path), 404)


def test_nginx_passes_an_error_of_the_service_unchanged(nginx):
    response = nginx.ask("POST", "/api/progress", a_save(at="soon"), **bearer())

    assert response.status == 400
    assert "currentTime" in response.json["details"]


def test_long_lists_are_compressed_on_request_and_points_never(nginx):
    for number in range(30):
        nginx.ask("POST", "/api/progress", a_save(tmdbId=f"v{number}"), **bearer())
    accepts_gzip = bearer() | {"Accept-Encoding": "gzip"}

    assert (
        nginx.ask("GET", "/api/progress/ann", **accepts_gzip).headers["Content-Encoding"] == "gzip"
    )
    assert "Content-Encoding" not in nginx.ask("GET", POINT, **accepts_gzip).headers
    assert len(nginx.ask("GET", "/api/progress/ann", **bearer()).json) == 30


def test_a_weak_etag_still_gives_304(nginx):
    """gzip in nginx makes an ETag weak."""
    nginx.ask("POST", "/api/progress", a_save(), **bearer())
    etag = nginx.ask("GET", POINT, **bearer()).headers["ETag"]

    for known in (etag, f"W/{etag}"):
        assert nginx.ask("GET", POINT, **bearer() | {"If-None-Match": known}).status == 304


def test_without_a_service_callers_get_502_with_retry_after(nginx_before):
    response = nginx_before(free_port()).ask("GET", POINT, **bearer())

    assert_is_ours(response, 502)
    assert response.headers["Retry-After"] == "1"


def test_if_the_service_hangs_callers_get_504_with_retry_after(nginx_before):
    with socket.create_server(("127.0.0.1", 0)) as hung:
        response = nginx_before(hung.getsockname()[1], "200ms").ask("GET", POINT, **bearer())

    assert_is_ours(response, 504)
    assert response.headers["Retry-After"] == "1"


def a_server_that_drops_a_kept_connection(listener: socket.socket) -> None:
    """Answer the first request on a connection and close at the second, for two connections."""
    for _ in range(2):
        connection, _ = listener.accept()
        with connection:
            connection.recv(64 * KIB)
            connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
            connection.recv(64 * KIB)


def test_nginx_repeats_a_save_after_a_closed_connection(nginx_before):
    """A worker of the service may stop at that moment. Saves are idempotent."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)
        server = threading.Thread(
            target=a_server_that_drops_a_kept_connection, args=(listener,), daemon=True
        )
        server.start()
        nginx = nginx_before(listener.getsockname()[1])
        # One connection: then one nginx worker handles both saves, on its connection to the server.
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
def test_stalled_clients_delay_no_other_saves(nginx, sent):
    """nginx buffers a request and passes it on only when it is complete."""
    with contextlib.ExitStack() as stalled:
        for _ in range(64):
            connection = socket.create_connection(("127.0.0.1", nginx.port))
            stalled.enter_context(connection).sendall(sent)

        started = time.monotonic()
        responses = [nginx.ask("POST", "/api/progress", a_save(), **bearer()) for _ in range(5)]
        statuses = [response.status for response in responses]
        seconds = time.monotonic() - started

    assert statuses == [204] * 5
    assert seconds < 5


def test_a_live_stream_passes_nginx_at_once(nginx, open_stream):
    stream = open_stream(nginx.port, token())
    eventually(lambda: stream.events)
    nginx.ask("POST", "/api/progress", a_save(), **bearer())
    saved = time.monotonic()
    eventually(lambda: len(stream.events) == 2)

    assert stream.events[1].at - saved < 2
    assert stream.events[1].data["tmdbId"] == "v1"
    assert stream.headers["x-request-id"]
