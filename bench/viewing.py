"""`make bench-viewing`: latency of continue and next-up, and their effect on saves.

The service runs with two web workers, Redis and Postgres. Unlike in production, Postgres does not sync
its files (`fsync=off`), and the worker that flushes to the archive does not run. Saves come from
independent viewers (`latency.py`). The lists of 20 viewers are requested beside them from a process of
its own, at random times with a fixed mean rate, even if the service is slow. Each latency starts when
its request was due.
Writes bench/VIEWING.md, with the plan of the statement of next-up.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import jwt

from bench import latency, viewing_report
from bench.viewing_data import (
    WATCHED,
    add_archived,
    add_points,
    fill_catalogue,
    settle,
)
from dev.postgres_server import PostgresServer
from dev.redis_server import RedisServer
from dev.service import ROOT, Service
from resume_service.postgres import migrate

SECRET = "a secret of the bench, 32 bytes or more"  # noqa: S105 - only for this run
SERIES = int(os.environ.get("BENCH_SERIES") or 10_000)
"""Series of 100 episodes each."""
VIEWERS = int(os.environ.get("BENCH_VIEWERS") or 20)
"""Viewers of the lists."""
PLAN_VIEWER = "viewer-of-the-plan"
POINTS = 1000
"""Points of each viewer in Redis. The archive has them, too."""
ARCHIVED = int(os.environ.get("BENCH_ARCHIVED") or 0)
"""Points of each viewer that only the archive has."""
SAVES = float(os.environ.get("BENCH_RATE") or 1000)
"""Saves per second."""
LISTS = 50.0
"""Requests per second for each list."""
SECONDS = float(os.environ.get("BENCH_SECONDS") or 10)
ROUNDS = int(os.environ.get("BENCH_ROUNDS") or 3)
NAMES = ("continue", "next-up")
THREADS = 16
Figures = dict[str, float]


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="bench-viewing-") as folder:
        server = RedisServer(Path(folder) / "redis", config=ROOT / "deploy" / "redis.conf")
        postgres = PostgresServer(Path(folder) / "postgres", shared_buffers="512MB", fsync="off")
        with contextlib.ExitStack() as running:
            postgres.start()
            running.callback(postgres.stop)
            server.start()
            running.callback(server.kill)
            migrate.upgrade(postgres.url)
            started = time.perf_counter()
            _fill(postgres.url, server)
            _say(f"filled in {time.perf_counter() - started:.0f} s")
            env = {"REDIS_URL": server.url, "DATABASE_URL": postgres.url, "JWT_SECRET": SECRET}
            service = Service(Path(folder) / "service.log", **env, WEB_CONCURRENCY="2")
            service.start()
            running.callback(service.kill)
            figures = _measure(service.port)
            plan = viewing_report.plan(postgres.url, PLAN_VIEWER, SERIES)
    load = viewing_report.Load(SERIES * 100, VIEWERS, SAVES, LISTS, ARCHIVED)
    viewing_report.write(figures, plan, load)
    if failures := viewing_report.broken_promises(figures):
        sys.exit("\n".join(failures))


def _fill(url: str, server: RedisServer) -> None:
    fill_catalogue(url, SERIES, other_viewers=10_000)
    chance = random.Random(2)  # noqa: S311 - not for a secret
    in_redis = POINTS // WATCHED
    viewers = {}
    for number in range(VIEWERS):
        series = chance.sample(range(1, SERIES + 1), in_redis + ARCHIVED // 20)
        viewers[f"viewer-{number}"] = series[:in_redis]
        add_archived(url, f"viewer-{number}", series[in_redis:], seasons=2)
    add_points(url, server, viewers, SECRET)
    settle(url)


def _measure(port: int) -> dict[str, Figures]:
    """The figures of each measurement by its name, as medians of all rounds."""
    latency.measure(port, _saves(), SAVES, 2)  # warm up
    rounds: dict[str, list[Figures]] = {}
    for _ in range(ROUNDS):
        rounds.setdefault("saves alone", []).append(_saves_beside(port, None))
        for name in NAMES:
            with _requests(port, name, SECONDS + 2) as result:
                time.sleep(1)  # the process starts
                rounds.setdefault(f"saves beside {name}", []).append(_saves_beside(port, name))
            rounds.setdefault(name, []).append(result)
    return {
        name: {key: statistics.median(each[key] for each in of_name) for key in of_name[0]}
        for name, of_name in rounds.items()
    }


def _saves_beside(port: int, name: str | None) -> Figures:
    figures = latency.measure(port, _saves(), SAVES, SECONDS)
    _say(f"saves beside {name or 'nothing'}: {figures}")
    return figures


@contextlib.contextmanager
def _requests(port: int, name: str, seconds: float) -> Any:
    """Request a list in a process of its own. Yields a dict, which gets the figures at the end."""
    figures: Figures = {}
    arguments = ["-m", "bench.viewing", str(port), name, str(seconds)]
    process = subprocess.Popen(  # noqa: S603 - this module itself
        [sys.executable, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    try:
        yield figures
        output, _ = process.communicate(timeout=60)
        figures |= json.loads(output)
        _say(f"{name}: {figures}")
    finally:
        process.kill()
        process.wait()


def _request_list(port: int, name: str, seconds: float) -> Figures:
    """Request a list LISTS times per second. Return percentiles in ms."""
    chance, local = random.Random(3), threading.local()  # noqa: S311 - not for a secret
    tokens = [_token(f"viewer-{number}") for number in range(VIEWERS)]

    def send(due: float, token: str) -> float:
        if not hasattr(local, "connection"):
            local.connection = HTTPConnection("127.0.0.1", port, timeout=10)
        headers = {"Authorization": f"Bearer {token}"}
        local.connection.request("GET", f"/api/v1/viewing/{name}", headers=headers)
        response = local.connection.getresponse()
        body = response.read()
        if response.status != HTTPStatus.OK or len(json.loads(body)["items"]) != 20:  # noqa: PLR2004
            raise RuntimeError(f"{name} is {response.status}: {body[:200]!r}")
        return 1000 * (time.perf_counter() - due)

    with ThreadPoolExecutor(THREADS) as pool:
        due = time.perf_counter()
        end, sent = due + seconds, []
        while (due := due + chance.expovariate(LISTS)) < end:
            time.sleep(max(0.0, due - time.perf_counter()))
            sent.append(pool.submit(send, due, chance.choice(tokens)))
        times = [each.result() for each in sent]
    percentiles = statistics.quantiles(times, n=100)
    return {"p50": percentiles[49], "p95": percentiles[94], "p99": percentiles[98]}


def _saves() -> list[bytes]:
    requests = []
    for number in range(200):
        body = f'{{"clerkId":"user-{number}","tmdbId":"{number}","currentTime":60,"duration":5400}}'
        lines = [
            "POST /api/progress HTTP/1.1",
            "Host: localhost",
            f"Authorization: Bearer {_token(f'user-{number}')}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
        ]
        requests.append("\r\n".join([*lines, "", body]).encode())
    return requests


def _token(user: str) -> str:
    return jwt.encode({"sub": user, "exp": int(time.time()) + 3600}, SECRET, "HS256")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    if sys.argv[1:]:
        port, name, seconds = sys.argv[1:]
        _say(json.dumps(_request_list(int(port), name, float(seconds))))
    else:
        main()
