"""Latency of saves at a given rate: an open loop of independent viewers.

Requests fall due at random moments of a fixed mean rate (a Poisson process), whatever the server
does, and each is measured from the moment it fell due, not from when it could be sent. So a server
that stalls pays for every request that it kept waiting: there is no coordinated omission.
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

SEED = 1
"""The same for all: every contestant meets the same schedule."""
ANSWER_SECONDS = 10.0
PERCENTILES = 100


def measure(port: int, requests: list[bytes], rate: float, seconds: float) -> dict[str, float]:
    """Percentiles in ms of saves sent at `rate` a second, and of the generator's own delay.

    Raises BenchFailed when one is not answered with 204.
    """
    connections = [socket.create_connection(("127.0.0.1", port)) for _ in range(CONNECTIONS)]
    gc.disable()  # a collection here would be measured there
    try:
        for connection in connections:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return _Loop(connections, requests, _schedule(rate, seconds)).run()
    finally:
        gc.enable()
        for connection in connections:
            connection.close()


def _schedule(rate: float, seconds: float) -> Iterator[float]:
    """When requests fall due, in seconds from the start."""
    chance = random.Random(SEED)  # noqa: S311 - keeps no secret
    due = chance.expovariate(rate)
    while due < seconds:
        yield due
        due += chance.expovariate(rate)


class _Loop:
    """A request goes out when it is due and a connection is free: the one that was so longest."""

    def __init__(
        self, connections: list[socket.socket], requests: list[bytes], schedule: Iterator[float]
    ) -> None:
        self._free = deque(connections)
        self._asked: dict[socket.socket, float] = {}
        self._requests = cycle(requests)
        self._schedule = schedule
        self._waiting: deque[float] = deque()
        self._latencies: list[float] = []
        self._delays: list[float] = []

    def run(self) -> dict[str, float]:
        start = time.perf_counter()
        due = start + next(self._schedule, math.inf)
        while due < math.inf or self._waiting or self._asked:
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
            self._asked[connection] = self._waiting.popleft()
            connection.sendall(next(self._requests))

    def _receive(self, until: float) -> None:
        # select, because it alone waits to the microsecond: epoll counts milliseconds.
        wait = min(until - time.perf_counter(), ANSWER_SECONDS)
        answered, _, _ = select.select(list(self._asked), (), (), max(0.0, wait))
        if not answered and wait == ANSWER_SECONDS:
            raise BenchFailed(f"no answer within {ANSWER_SECONDS:.0f} s")
        for connection in answered:
            answer = connection.recv(65536)
            # An answer without a body of some 200 bytes: loopback delivers it in one piece.
            if not (answer.startswith(b"HTTP/1.1 204") and answer.endswith(b"\r\n\r\n")):
                raise BenchFailed(f"answered {answer[:200]!r} to a save")
            self._latencies.append(time.perf_counter() - self._asked.pop(connection))
            self._free.append(connection)
