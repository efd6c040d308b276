"""Latency of saves beside bursts of Flask requests that take 5 ms of CPU each."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from bench import latency
from bench.contestants import CONTESTANTS
from bench.options import BenchFailed, Options
from bench.rounds import say
from bench.server import Server
from bench.workload import BURN_PATH, USERS, get, token
from dev.redis_server import RedisServer

REQUESTS = 20
SECONDS = 1.0
"""Time from one burst to the next."""
EXPECTED = b"HTTP/1.1 204"
NAME = "ours"
"""The contestant that saves beside the bursts."""
_OURS = next(each for each in CONTESTANTS if each.name == NAME)
BURNING = replace(_OURS, name="burning", command="{python} -m gunicorn bench.burning_app:app")


def measure(
    requests: list[bytes], core: int, store: RedisServer, directory: Path, options: Options
) -> list[dict[str, float]]:
    """Percentiles in ms of saves beside bursts, by round."""
    percentiles = []
    with Server(BURNING, core=core, redis_url=store.url, directory=directory) as server:
        latency.measure(server.port, requests, latency.RATE, 1)  # warm up
        for number in range(options.rounds):
            with _bursts(server.port):
                percentiles.append(
                    latency.measure(server.port, requests, latency.RATE, options.seconds)
                )
            say(f"burst {number + 1}/{options.rounds}: p99 {percentiles[-1]['p99']:.1f} ms")
    return percentiles


@contextmanager
def _bursts(port: int) -> Iterator[None]:
    """Send a burst each second in this context. Raises BenchFailed if a response is not 204."""
    over = threading.Event()
    faults: list[str] = []
    thread = threading.Thread(target=_send_bursts, args=(port, over, faults))
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    if faults:
        raise BenchFailed(f"a request of a burst: {faults[0]}")


def _send_bursts(port: int, over: threading.Event, faults: list[str]) -> None:
    """Send a burst every SECONDS until `over` is set. Ends at the first fault."""
    requests = [get(BURN_PATH, token(user)) for user in USERS[:REQUESTS]]
    try:
        with ExitStack() as stack:
            clients = [stack.enter_context(_connect(port)) for _ in requests]
            due = time.monotonic()
            while not (faults or over.wait(max(0.0, due - time.monotonic()))):
                due += SECONDS
                for client, request in zip(clients, requests, strict=True):
                    client.sendall(request)
                responses = [client.recv(65536) for client in clients]
                faults += [repr(each) for each in responses if not each.startswith(EXPECTED)]
    except OSError as fault:
        faults.append(repr(fault))


def _connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), latency.ANSWER_SECONDS)
