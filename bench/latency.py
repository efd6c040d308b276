"""Latency of saves at a given rate, as independent viewers send them (an open loop).

Requests are due at random times with a fixed mean rate (a Poisson process), even if the server is
slow. Each latency starts when its request was due, not when it was sent. So a stall of the server
counts for every waiting request: there is no coordinated omission.
"""

from __future__ import annotations

import gc
import math
import random
import select
import socket
import time
from collections import deque
from collections.abc import Iterator
from itertools import cycle
from statistics import quantiles

from bench.options import CONNECTIONS, BenchFailed

RATE = 1500
"""Saves per second in `make bench`."""
SEED = 1
"""The same random schedule for every contestant."""
ANSWER_SECONDS = 10.0
PERCENTILES = 100


def measure(port: int, requests: list[bytes], rate: float, seconds: float) -> dict[str, float]:
    """Percentiles in ms of saves at `rate` per second, and of the delay of the load generator.

    Raises BenchFailed if a response is not 204.
    """
    connections = [socket.create_connection(("127.0.0.1", port)) for _ in range(CONNECTIONS)]
    gc.disable()  # a collection in this process would add to the latencies
    try:
        for connection in connections:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return _Loop(connections, requests, _schedule(rate, seconds)).run()
    finally:
        gc.enable()
        for connection in connections:
            connection.close()


def _schedule(rate: float, seconds: float) -> Iterator[float]:
    """The times at which requests are due, in seconds from the start."""
    chance = random.Random(SEED)  # noqa: S311 - not for a secret
    due = chance.expovariate(rate)
    while due < seconds:
        yield due
        due += chance.expovariate(rate)


class _Loop:
    """Sends each due request on the connection that has been free for the longest time."""

    def __init__(
        self, connections: list[socket.socket], requests: list[bytes], schedule: Iterator[float]
    ) -> None:
        self._free = deque(connections)
        self._in_flight: dict[socket.socket, float] = {}
        self._requests = cycle(requests)
        self._schedule = schedule
        self._waiting: deque[float] = deque()
        self._latencies: list[float] = []
        self._delays: list[float] = []

    def run(self) -> dict[str, float]:
        start = time.perf_counter()
        due = start + next(self._schedule, math.inf)
        while due < math.inf or self._waiting or self._in_flight:
            while due <= time.perf_counter():
                self._delays.append(time.perf_counter() - due)
                self._waiting.append(due)
                due = start + next(self._schedule, math.inf)
            self._send()
            self._receive(until=due)
        latency = quantiles(self._latencies, n=PERCENTILES)
        delay = quantiles(self._delays, n=PERCENTILES)
        return {
            "p50": 1000 * latency[49],
            "p99": 1000 * latency[98],
            "generator_p99": 1000 * delay[98],
        }

    def _send(self) -> None:
        while self._waiting and self._free:
            connection = self._free.popleft()
            self._in_flight[connection] = self._waiting.popleft()
            connection.sendall(next(self._requests))

    def _receive(self, until: float) -> None:
        # select has a timeout resolution of microseconds, epoll only of milliseconds.
        wait = min(until - time.perf_counter(), ANSWER_SECONDS)
        answered, _, _ = select.select(list(self._in_flight), (), (), max(0.0, wait))
        if not answered and wait == ANSWER_SECONDS:
            raise BenchFailed(f"no answer within {ANSWER_SECONDS:.0f} s")
        for connection in answered:
            response = connection.recv(65536)
            # The response has about 200 bytes and no body. Loopback delivers it in one piece.
            if not (response.startswith(b"HTTP/1.1 204") and response.endswith(b"\r\n\r\n")):
                raise BenchFailed(f"answered {response[:200]!r} to a save")
            self._latencies.append(time.perf_counter() - self._in_flight.pop(connection))
            self._free.append(connection)
