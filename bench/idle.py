"""Saves on 32 connections beside thousands of idle connections.

Each idle connection has sent one save and stays open, as that of a viewer who reads a page. Each
round starts a new server, because a process seldom returns memory.
"""

from __future__ import annotations

import resource
import socket
from contextlib import ExitStack
from pathlib import Path

from bench import process_usage, rounds
from bench.cases import CASES
from bench.contestants import Contestant
from bench.options import BenchFailed, Options
from bench.server import Server
from dev.redis_server import RedisServer

COUNTS = (0, 1_000, 10_000)
CONTESTANTS = ("ours", "fastify")
OTHER_FILES = 500
"""Open files of a process beside its idle connections."""
ANSWER_SECONDS = 5.0
SAVE = CASES["save"]

Figures = dict[str, list[float | None]]
"""By round: `rate` in saves per second, `cpu_us` per save, `memory` in bytes of all processes,
`open` connections at the end. None: not every save got a response."""


def raise_file_limit() -> None:
    """Let this process and its children open COUNTS connections.

    Raises BenchFailed if the hard limit is too low.
    """
    needed = COUNTS[-1] + OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise BenchFailed(f"the case idle needs {needed} open files: raise the limit (ulimit -Hn)")
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def measure(
    contestants: list[Contestant], core: int, store: RedisServer, directory: Path, options: Options
) -> dict[str, dict[str, Figures]]:
    """The figures by contestant and by number of idle connections."""
    results: dict[str, dict[str, Figures]] = {
        each.name: {
            str(count): {key: [] for key in ("rate", "cpu_us", "memory", "open")}
            for count in COUNTS
        }
        for each in contestants
    }
    file = rounds.write(SAVE, directory)
    for number in range(options.rounds):
        for contestant in rounds.rotated(contestants, number):
            server = Server(contestant, core=core, redis_url=store.url, directory=directory)
            with server, ExitStack() as clients:
                measured = _measure(server, file, options, clients)
            for count, figures in measured.items():
                for key, figure in figures.items():
                    results[contestant.name][count][key].append(figure)
            rounds.say(f"idle {number + 1}/{options.rounds}: {contestant.name}: {_words(measured)}")
    return results


def _measure(
    server: Server, file: Path, options: Options, clients: ExitStack
) -> dict[str, dict[str, float | None]]:
    rounds.run(SAVE, server, file, min(rounds.WARM_UP_SECONDS, options.seconds))
    request = SAVE.requests()[0]
    idle: list[socket.socket] = []
    measured: dict[str, dict[str, float | None]] = {}
    for count in COUNTS:
        figures: dict[str, float | None] = {"rate": None, "cpu_us": None}
        try:
            while len(idle) < count:
                idle.append(clients.enter_context(_connect(server.port, request)))
            _, saved = rounds.run(SAVE, server, file, options.seconds)
            figures |= saved
        except (BenchFailed, OSError) as fault:
            rounds.say(f"{count} idle connections: {fault}")
        figures["memory"] = process_usage.resident_bytes(server.session)
        figures["open"] = sum(map(_is_open, idle))
        measured[str(count)] = figures
    return measured


def _connect(port: int, request: bytes) -> socket.socket:
    """A connection that got the response to one save."""
    client = socket.create_connection(("127.0.0.1", port), ANSWER_SECONDS)
    client.sendall(request)
    response = client.recv(65536)
    if not response.startswith(b"HTTP/1.1 204"):
        client.close()
        raise BenchFailed(f"answered {response[:200]!r} to a save")
    client.settimeout(0)
    return client


def _is_open(client: socket.socket) -> bool:
    try:
        client.recv(1)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _words(measured: dict[str, dict[str, float | None]]) -> str:
    return ", ".join(
        f"{count} idle {figures['rate']:,.0f}/s {figures['cpu_us']:.1f} µs"
        if figures["rate"]
        else f"{count} idle failed"
        for count, figures in measured.items()
    )
