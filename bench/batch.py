"""`make bench-batch`: saves per second of one client, one by one and in batches of 100.

Redis is configured as in production: each reply waits for the disk. The client has one connection,
and sends its next request after each response, as a device that delivers a queue of saves. Fails if
batches store less than 15 times as many saves a second.
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

import redis

from bench import wrk
from bench.contestants import CONTESTANTS
from bench.options import BenchFailed, Options, cores
from bench.rounds import WARM_UP_SECONDS, rotated, say
from bench.server import Server
from bench.workload import PATH, USERS, VIDEOS, post, save_body, saves, token
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
    requests = {SINGLE: saves(), BATCHES: _batches()}
    _require_stored(server.port, requests[BATCHES][0])
    files = {name: folder / f"{name}.requests" for name in requests}
    for name, messages in requests.items():
        wrk.write_requests(files[name], messages)
        wrk.run(server.port, files[name], WARM_UP_SECONDS, connections=1)
    rates: dict[str, list[float]] = {name: [] for name in files}
    for number in range(options.rounds):
        for name in rotated(list(files), number):
            store.client.config_resetstat()
            answered, seconds = wrk.run(server.port, files[name], options.seconds, connections=1)
            stored = answered * SAVES[name]
            _require_work(store.client, stored)
            rates[name].append(stored / seconds)
        say(f"{number + 1}/{options.rounds}: { {n: round(each[-1]) for n, each in rates.items()} }")
    return rates


def _batches() -> list[bytes]:
    """A batch of each user: two saves of each video, the older one first."""
    requests = []
    for user in USERS:
        events = [
            save_body(user, video) | {"id": f"{video}-{age_ms}", "ageMs": age_ms}
            for age_ms in (60_000, 0)
            for video in VIDEOS
        ]
        body = json.dumps({"events": events}).encode()
        requests.append(post(body, token(user), f"{PATH}/batch"))
    return requests


def _require_stored(port: int, request: bytes) -> None:
    """Send one batch. Raises BenchFailed unless each of its saves was stored."""
    head, _, body = request.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("POST", f"{PATH}/batch", body, headers)
    response = connection.getresponse()
    results = json.loads(response.read()).get("results", [])
    connection.close()
    statuses = [each["status"] for each in results]
    if response.status != HTTPStatus.OK or statuses != [HTTPStatus.NO_CONTENT] * BATCH:
        raise BenchFailed(f"not every save of a batch was stored: {response.status} {statuses}")


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
