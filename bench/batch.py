"""`make bench-batch`: saves per second of one client, one by one and in batches of 100.

Redis is configured as in production: each reply waits for the disk. The client is `http.client` with
one connection. It sends its next request after each response, as a device that delivers a queue of
saves. There is no network between them; its latency makes batches even better. Fails if batches
store less than 15 times as many saves a second.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import tempfile
import time
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from typing import Any

import redis

from bench.contestants import CONTESTANTS
from bench.options import BenchFailed, Options, cores
from bench.rounds import WARM_UP_SECONDS, rotated, say
from bench.server import Server
from bench.workload import LONG_VIDEOS, PATH, USERS, save_body, token
from dev.redis_server import RedisServer
from dev.service import ROOT, free_port

LEAST = 15.0
"""Required ratio of the saves a second in batches to those of single requests."""
BATCH = 100
SINGLE, BATCHES = "one by one", "in batches"
SAVES = {SINGLE: 1, BATCHES: BATCH}
"""Saves per request."""


def main() -> None:
    options = Options.from_env(os.environ, [each.name for each in CONTESTANTS])
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="resume-bench-")))
        rates = _measure(folder, stack, options)
    for name, by_round in rates.items():
        lowest, highest = min(by_round), max(by_round)
        say(f"{name:<12}{median(by_round):>8,.0f} saves/s  ({lowest:,.0f} to {highest:,.0f})")
    ratio = median(many / one for many, one in zip(rates[BATCHES], rates[SINGLE], strict=True))
    say(f"ratio       {ratio:>8.1f}")
    if ratio < LEAST:
        raise BenchFailed(f"batches store less than {LEAST:.0f} times as many saves a second")


def _measure(folder: Path, stack: ExitStack, options: Options) -> dict[str, list[float]]:
    """Saves per second in each round."""
    server_core, load_core = cores()
    os.sched_setaffinity(0, {load_core})  # for this process and its child processes
    store = RedisServer(folder / "redis", port=free_port(), config=ROOT / "deploy" / "redis.conf")
    store.start()
    stack.callback(store.stop)
    server = stack.enter_context(
        Server(CONTESTANTS[0], core=server_core, redis_url=store.url, directory=folder)
    )
    rates: dict[str, list[float]] = {name: [] for name in SAVES}
    with closing(Client(server.port)) as client:
        for name in SAVES:
            client.send(name, WARM_UP_SECONDS)
        for number in range(options.rounds):
            for name in rotated(list(SAVES), number):
                store.client.config_resetstat()
                answered, seconds = client.send(name, options.seconds)
                stored = answered * SAVES[name]
                _require_work(store.client, stored)
                rates[name].append(stored / seconds)
            last = ", ".join(f"{name} {each[-1]:,.0f}/s" for name, each in rates.items())
            say(f"{number + 1}/{options.rounds}: {last}")
    return rates


class Client:
    """Sends the saves of one user after the other."""

    def __init__(self, port: int) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=5)
        kind = {"Content-Type": "application/json"}
        self._headers = {user: {"Authorization": f"Bearer {token(user)}"} | kind for user in USERS}
        videos = LONG_VIDEOS[:BATCH]
        self._bodies = {
            SINGLE: [(user, json.dumps(save_body(user, v))) for v in videos for user in USERS],
            BATCHES: [
                (user, json.dumps({"events": [save_body(user, video) for video in videos]}))
                for user in USERS
            ],
        }

    def send(self, name: str, seconds: float) -> tuple[int, float]:
        """Send requests for that time. Return their number, and the time that they took.

        Raises BenchFailed unless each save was stored.
        """
        path, status = (PATH, 204) if name == SINGLE else (f"{PATH}/batch", 200)
        started, count = time.perf_counter(), 0
        for user, body in itertools.cycle(self._bodies[name]):
            self._connection.request("POST", path, body, self._headers[user])
            response = self._connection.getresponse()
            results = response.read()
            if response.status != status or results.count(b'"status":204') != (
                BATCH if name == BATCHES else 0
            ):
                raise BenchFailed(f"not every save was stored: {response.status} {results!r}")
            count += 1
            if (taken := time.perf_counter() - started) >= seconds:
                break
        return count, taken

    def close(self) -> None:
        self._connection.close()


def _require_work(client: redis.Redis, stored: int) -> None:
    """Raises BenchFailed if Redis ran too few scripts."""
    stats: dict[str, Any] = client.info("commandstats")
    calls = sum(stats.get(f"cmdstat_{name}", {}).get("calls", 0) for name in ("evalsha", "eval"))
    if calls < stored:
        raise BenchFailed(f"{stored} saves were answered; Redis ran {calls} scripts")


if __name__ == "__main__":
    try:
        main()
    except (BenchFailed, FileNotFoundError, redis.RedisError, RuntimeError) as fault:
        sys.exit(f"bench: {fault}")
