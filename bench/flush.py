"""`make bench-flush`: speed and memory of the worker when it archives and restores points.

Redis is configured as in production, Postgres as in `make run`. Both share all cores of this
machine with the worker. The memory is that of the worker process only. A row that a newer save
replaces completely need not be read. `all rows merged` flushes the same saves once more: then each
row must be read and merged.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import redis

from dev.postgres_server import PostgresServer
from dev.redis_server import RedisServer
from dev.service import ROOT
from resume_service.archive.cycle import ArchiveCycle
from resume_service.clock import system_clock
from resume_service.postgres import migrate
from resume_service.settings import Settings
from resume_service.telemetry import logs

POINTS = int(os.environ.get("BENCH_POINTS") or 200_000)
ROUNDS = int(os.environ.get("BENCH_ROUNDS") or 3)
VIDEOS = 50
"""Points per user."""
BATCH = 5000


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        server = RedisServer(Path(folder) / "redis", config=ROOT / "deploy" / "redis.conf")
        postgres = PostgresServer(Path(folder) / "postgres")
        server.start()
        postgres.start()
        try:
            migrate.upgrade(postgres.url)
            _measure(server, postgres)
        finally:
            postgres.stop()
            server.kill()


def _measure(server: RedisServer, postgres: PostgresServer) -> None:
    env = {"REDIS_URL": server.url, "DATABASE_URL": postgres.url, "JWT_SECRET": "x" * 32}
    _say(f"{POINTS:,} points, {ROUNDS} rounds")
    _fill(server.client)
    _report("archived (new)", [_cycle(env)])
    again, merged = [], []
    for _ in range(ROUNDS):
        _fill(server.client)
        again.append(_cycle(env))
        _add_to_backlog(server.client)
        merged.append(_cycle(env))
    _report("saved again", again)
    _report("all rows merged", merged)
    restored = []
    for _ in range(ROUNDS):
        server.client.flushall()
        restored.append(_cycle(env))
    _report("restored", restored)


def _fill(client: redis.Redis) -> None:
    """Write all points with the keys and fields of a save. This is faster than real saves."""
    now = int(time.time() * 1000)
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now / 1000)) + f".{now % 1000:03}Z"
    for numbers in _batches():
        with client.pipeline(transaction=False) as pipe:
            for number in numbers:
                user, video = _ids(number)
                fields: dict[Any, Any] = {
                    "currentTime": f"{number % 5400}.25",
                    "updatedAt": moment,
                    "duration": 5400,
                    "percent": f"{number % 5400 / 54:.2f}",
                    "watched": 0,
                    "completed": 0,
                }
                pipe.hset(f"resume:{user}:{video}", mapping=fields)
                pipe.expire(f"resume:{user}:{video}", 2_592_000)
            pipe.execute()
    client.set("archive:restored", 1)
    _add_to_backlog(client)


def _add_to_backlog(client: redis.Redis) -> None:
    """Add a backlog entry for every point."""
    for numbers in _batches():
        client.zadd("archive:dirty", {":".join(_ids(number)): number for number in numbers})


def _ids(number: int) -> tuple[str, str]:
    return f"user_{number // VIDEOS:09}", f"{number % VIDEOS:06}"


def _batches() -> Iterator[range]:
    for first in range(0, POINTS, BATCH):
        yield range(first, min(first + BATCH, POINTS))


def _cycle(env: dict[str, str]) -> tuple[float, float]:
    """Seconds and peak memory (MB) of one cycle in a new process."""
    process = subprocess.run(
        [sys.executable, "-m", "bench.flush", "cycle"],
        cwd=ROOT, env=env, check=True, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    seconds, megabytes, points = map(float, process.stdout.split())
    if points != POINTS:
        raise RuntimeError(f"{points:.0f} of {POINTS} points were archived or restored")
    return seconds, megabytes


def _one_cycle() -> None:
    logs.configure("error")
    archive = ArchiveCycle.of(Settings.from_env(os.environ), system_clock)
    started = time.perf_counter()
    result = archive.cycle()
    seconds = time.perf_counter() - started
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    _say(f"{seconds} {megabytes} {result.restored + result.flushed.archived}")


def _report(what: str, cycles: list[tuple[float, float]]) -> None:
    seconds = statistics.median(each[0] for each in cycles)
    megabytes = max(each[1] for each in cycles)
    _say(f"{what:16}{POINTS / seconds:>10,.0f} points/s{megabytes:>8.0f} MB")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _one_cycle() if sys.argv[1:] == ["cycle"] else main()
