"""`make bench-live`: the cost of 2,000 open live streams, and of saves without a stream.

The service runs as in production, with one worker and a Redis on loopback. The streams are read by
another process. Of 21 saves, one is for a viewer with an open stream.
"""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import jwt

from bench import latency, live_cost
from bench.event_readers import EventReader, event_readers
from bench.process_usage import resident_bytes
from dev.redis_server import RedisServer
from dev.service import ROOT, Service

SECRET = "a secret of the bench, 32 bytes or more"  # noqa: S105 - only for this run
STREAMS = int(os.environ.get("BENCH_STREAMS") or 2000)
RATE = float(os.environ.get("BENCH_RATE") or 2100)
"""Saves per second."""
OTHERS = 20
"""Saves for viewers without a stream, for each save for a viewer with a stream."""
SECONDS = float(os.environ.get("BENCH_SECONDS") or 10)
ROUNDS = int(os.environ.get("BENCH_ROUNDS") or 3)
MAX_BYTES = 40_000
"""Limit for the memory of a stream."""
MAX_COST = 1.03
"""Limit for the cost of a save without a stream, compared with a save without the check."""
MAX_P99_RATIO = 2.0
"""Limit for the p99 of saves beside streams, compared with saves alone."""
MAX_P50_MS, MAX_P99_MS = 250.0, 1000.0
"""Limits for the time from a save to its event."""
OPEN_SECONDS = 60.0
OPENED_PER_SECOND = 500
"""As after a restart: clients connect again after a random delay of 1 to 5 s."""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as running:
        server = RedisServer(Path(folder) / "redis", config=ROOT / "deploy" / "redis.conf")
        server.start()
        running.callback(server.kill)
        if live_cost.measure(server) > MAX_COST:
            sys.exit(f"the check for streams costs a save more than {MAX_COST - 1:.0%}")
        service = Service(
            Path(folder) / "service.log",
            REDIS_URL=server.url,
            JWT_SECRET=SECRET,
            WEB_CONCURRENCY="1",
        )
        service.start()
        running.callback(service.kill)
        _measure(service)


def _measure(service: Service) -> None:
    _say(f"{STREAMS} streams, {RATE:.0f} saves/s, {SECONDS:.0f} s, {ROUNDS} rounds; ms")
    requests = _saves()
    latency.measure(service.port, requests, RATE, 2)  # warm up
    alone, beside, events = [], [], []
    for _ in range(ROUNDS):
        alone.append(latency.measure(service.port, requests, RATE, SECONDS))
        before = resident_bytes(service.pid)
        with _streaming(service.port) as finish:
            memory = (resident_bytes(service.pid) - before) / STREAMS
            beside.append(latency.measure(service.port, requests, RATE, SECONDS))
            events.append(finish())
        _say(f"  memory {memory:.0f} bytes a stream")
        if memory > MAX_BYTES:
            sys.exit(f"a stream needs more than {MAX_BYTES} bytes")
    medians = {}
    for name, rounds in (("alone", alone), ("beside", beside), ("events", events)):
        figures = {key: statistics.median(each[key] for each in rounds) for key in rounds[0]}
        medians[name] = figures
        _say(f"{name:8}" + "".join(f"{key:>15} {value:8.2f}" for key, value in figures.items()))
    if any(each["p50"] > MAX_P50_MS or each["p99"] > MAX_P99_MS for each in events):
        sys.exit(f"events took longer than {MAX_P50_MS:.0f} or {MAX_P99_MS:.0f} ms")
    if medians["beside"]["p99"] > MAX_P99_RATIO * medians["alone"]["p99"]:
        sys.exit(f"the p99 of saves beside streams is more than {MAX_P99_RATIO:.0f} times as long")


@contextlib.contextmanager
def _streaming(port: int) -> Iterator[Callable[[], dict[str, float]]]:
    """Read STREAMS streams in another process. Yields the function that returns the latencies."""
    reader = subprocess.Popen(  # noqa: S603 - this program
        [sys.executable, "-m", "bench.live", "read", str(port)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    output, orders = reader.stdout, reader.stdin
    assert output and orders  # noqa: S101, PT018 - they are pipes
    output.readline()

    def finish() -> dict[str, float]:
        orders.close()
        figures: dict[str, float] = json.loads(output.readline())
        return figures

    try:
        yield finish
    finally:
        reader.kill()
        reader.wait()


def _read(port: int) -> None:
    """Open all streams, print a line, and read until the end of the input. Print the latencies."""
    os.nice(10)  # on other machines, the clients of streams do not delay saves
    with event_readers() as open_stream:
        streams = []
        for number in range(STREAMS):
            streams.append(open_stream(port, _token(f"viewer-{number}")))
            time.sleep(1 / OPENED_PER_SECOND)
        deadline = time.monotonic() + OPEN_SECONDS
        while not all(each.events for each in streams):
            if time.monotonic() > deadline or any(each.status not in (0, 200) for each in streams):
                sys.exit(f"not all streams opened: {[s.body for s in streams if s.body][:1]}")
            time.sleep(0.01)
        _say("open")
        offset = time.time() - time.monotonic()
        sys.stdin.read()
        time.sleep(2)
        _say(json.dumps(_latencies(streams, offset)))


def _latencies(streams: list[EventReader], offset: float) -> dict[str, float]:
    """Percentiles of the time from the measurement by Redis to the receipt, in ms."""
    delays = sorted(
        event.at + offset - datetime.fromisoformat(event.data["updatedAt"]).timestamp()
        for stream in streams
        for event in stream.named("point")
    )
    percentiles = statistics.quantiles(delays, n=100)
    return {"p50": 1000 * percentiles[49], "p99": 1000 * percentiles[98], "count": len(delays)}


def _saves() -> list[bytes]:
    requests = []
    for number in range(STREAMS):
        requests.append(_save(f"viewer-{number}"))
        requests.extend(_save(f"other-{number * OTHERS + each}") for each in range(OTHERS))
    return requests


def _save(user: str) -> bytes:
    body = json.dumps({"clerkId": user, "tmdbId": "film", "currentTime": 60, "duration": 5400})
    return (
        "POST /api/progress HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {_token(user)}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def _token(user: str) -> str:
    return jwt.encode({"sub": user, "exp": int(time.time()) + 3600}, SECRET, "HS256")


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - a command-line tool


if __name__ == "__main__":
    if sys.argv[1:2] == ["read"]:
        _read(int(sys.argv[2]))
    else:
        main()
