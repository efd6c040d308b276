"""`make bench-dialects`: saves per second through each API, on one service and one Redis.

All caches are warm: the service has cached the videos, and Redis has the points. The order of the
APIs rotates from round to round, so noise of the machine affects all of them. Fails if an API
reaches less than 80 % of the saves of `/api/progress`.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from contextlib import ExitStack
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from typing import Any

import psycopg
import redis

from bench import wrk
from bench.contestants import CONTESTANTS
from bench.options import BenchFailed, Options, cores
from bench.rounds import WARM_UP_SECONDS, say
from bench.server import Server
from bench.workload import DURATION, PATH, SAVED_VIDEOS, USERS, post, save_body, token
from dev.postgres_server import PostgresServer
from dev.redis_server import RedisServer
from dev.service import free_port
from resume_service.postgres import migrate

LEAST = 0.8
"""Required share of the saves of /api/progress."""
FIRST_TRIES = 20
INSERT = """
    INSERT INTO videos (id, name, kind, duration_seconds, published, file_path)
    VALUES (%s, 'A film', 'movie', %s, true, 'film.mp4')
"""


def main() -> None:
    options = Options.from_env(os.environ, [each.name for each in CONTESTANTS])
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="resume-bench-")))
        rates = _measure(folder, stack, options)
    share = {name: _share(by_round, rates["progress"]) for name, by_round in rates.items()}
    for name, by_round in rates.items():
        say(
            f"{name:<10} {median(by_round):>8,.0f} saves/s  {share[name]:.2f} of /api/progress"
            f"  ({min(by_round):,.0f} to {max(by_round):,.0f})"
        )
    if min(share.values()) < LEAST:
        raise BenchFailed(f"an API takes less than {LEAST:.0%} of the saves of /api/progress")


def _share(by_round: list[float], progress: list[float]) -> float:
    """The median of the ratios of each round."""
    return median(rate / base for rate, base in zip(by_round, progress, strict=True))


def _measure(folder: Path, stack: ExitStack, options: Options) -> dict[str, list[float]]:
    """Saves per second of each API in each round."""
    server_core, load_core = cores()
    os.sched_setaffinity(0, {load_core})  # for this process and its child processes
    store = RedisServer(folder / "redis", port=free_port(), save="", appendonly="no")
    store.start()
    stack.callback(store.stop)
    catalogue = _catalogue(folder / "postgres", stack)
    server = stack.enter_context(
        Server(
            CONTESTANTS[0],
            core=server_core,
            redis_url=store.url,
            directory=folder,
            database_url=catalogue.url,
        )
    )
    _warm_up_video_cache(server.port)
    files = {}
    for name, messages in _requests().items():
        files[name] = folder / f"{name}.requests"
        wrk.write_requests(files[name], messages)
        wrk.run(server.port, files[name], WARM_UP_SECONDS)
    rates: dict[str, list[float]] = {name: [] for name in files}
    for number in range(options.rounds):
        names = list(files)[number % len(files) :] + list(files)[: number % len(files)]
        for name in names:
            answered, seconds = wrk.run(server.port, files[name], options.seconds)
            rates[name].append(answered / seconds)
        say(f"{number + 1}/{options.rounds}: { {n: round(each[-1]) for n, each in rates.items()} }")
    return rates


def _warm_up_video_cache(port: int) -> None:
    """Read the progress of each video until the service answers 200.

    The first read needs Postgres. If Postgres is slow, the service answers 503, which would make a
    run fail.
    """
    headers = {"Authorization": f"Bearer {token(USERS[0])}"}
    for video in SAVED_VIDEOS:
        for _ in range(FIRST_TRIES):
            connection = HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", f"/videos/{video}/progress", headers=headers)
            status = connection.getresponse().status
            connection.close()
            if status == HTTPStatus.OK:
                break


def _catalogue(folder: Path, stack: ExitStack) -> PostgresServer:
    """A Postgres with the videos in the catalogue."""
    server = PostgresServer(folder, fsync="off")
    server.start()
    stack.callback(server.stop)
    migrate.upgrade(server.url)
    with psycopg.connect(server.url) as sql, sql.cursor() as cursor:
        cursor.executemany(INSERT, [(int(video), DURATION) for video in SAVED_VIDEOS])
    return server


def _requests() -> dict[str, list[bytes]]:
    bearer = {user: token(user) for user in USERS}
    requests: dict[str, list[bytes]] = {"progress": [], "videos": [], "playback": []}
    for video in SAVED_VIDEOS:
        for user in USERS:
            progress: dict[str, Any] = save_body(user, video)
            position = int(progress["currentTime"])
            rate = {"progress_rate": 100 * position // DURATION}
            playback = {"position_seconds": position, "duration_seconds": DURATION}
            for name, path, body in (
                ("progress", PATH, progress),
                ("videos", f"/videos/{video}/progress", rate),
                ("playback", f"/api/v1/playback/movie/{video}", playback),
            ):
                requests[name].append(post(json.dumps(body).encode(), bearer[user], path))
    return requests


if __name__ == "__main__":
    try:
        main()
    except (BenchFailed, FileNotFoundError, redis.RedisError, RuntimeError) as fault:
        sys.exit(f"bench: {fault}")
