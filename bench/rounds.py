"""Rounds of measurements. Each round measures every contestant, so machine noise affects all."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import redis

from bench import latency, process_usage, wrk
from bench.cases import Case
from bench.options import BenchFailed, Options
from bench.server import Server

WARM_UP_SECONDS = 2
Figures = dict[str, list[float]]
"""By round: `rate` in requests per second, `cpu_us` in microseconds of CPU per request."""
Entrant = TypeVar("Entrant")


class Peaks:
    """Measures `cases` on `servers`. Writes the requests to `directory`."""

    def __init__(
        self, cases: Sequence[Case], servers: Sequence[Server], client: redis.Redis, directory: Path
    ) -> None:
        self._servers = servers
        self._client = client
        self._files = {case: write(case, directory) for case in cases}

    def measure(self, options: Options) -> dict[str, dict[str, Figures]]:
        """The figures by case and by contestant."""
        results: dict[str, dict[str, Figures]] = {
            case.name: {
                server.name: {"rate": [], "cpu_us": []}
                for server in self._servers
                if case.measures(server.contestant)
            }
            for case in self._files
        }
        for server in self._servers:
            for case in self._files:
                if case.measures(server.contestant):
                    self._run(case, server, min(WARM_UP_SECONDS, options.seconds))
        for number in range(options.rounds):
            for server in rotated(self._servers, number):
                for case in self._files:
                    if case.measures(server.contestant):
                        figures = self._run(case, server, options.seconds)
                        for key, figure in figures.items():
                            results[case.name][server.name][key].append(figure)
            for name, by_contestant in results.items():
                say(f"{name} {number + 1}/{options.rounds}: {_last(by_contestant)}")
        return results

    def _run(self, case: Case, server: Server, seconds: int) -> dict[str, float]:
        self._client.config_resetstat()
        answered, figures = run(case, server, self._files[case], seconds)
        if not server.contestant.is_ceiling:
            _require_work(case, server.name, answered, self._client)
        return figures


def write(case: Case, directory: Path) -> Path:
    """Write the requests of `case` for wrk. Returns the file."""
    file = directory / f"{case.name}.requests"
    wrk.write_requests(file, case.requests())
    return file


def run(case: Case, server: Server, file: Path, seconds: int) -> tuple[int, dict[str, float]]:
    """The number of answered requests, and the `rate` and `cpu_us` of one run.

    Raises BenchFailed if a response is not the expected one.
    """
    before = process_usage.cpu_seconds(server.session)
    try:
        answered, elapsed = wrk.run(
            server.port, file, seconds, status=case.status, connections=case.connections
        )
    except BenchFailed as fault:
        raise BenchFailed(f"{case.name} of {server.name}: {fault}") from fault
    used = process_usage.cpu_seconds(server.session) - before
    return answered, {"rate": answered / elapsed, "cpu_us": used / answered * 1e6}


def latencies(
    servers: Sequence[Server], requests: list[bytes], options: Options
) -> dict[str, list[dict[str, float]]]:
    """Percentiles of each contestant's saves at the same rate, by round."""
    percentiles: dict[str, list[dict[str, float]]] = {server.name: [] for server in servers}
    for number in range(options.rounds):
        for server in rotated(servers, number):
            measured = latency.measure(server.port, requests, latency.RATE, options.seconds)
            percentiles[server.name].append(measured)
        p99 = ", ".join(f"{name} {each[-1]['p99']:.1f}" for name, each in percentiles.items())
        say(f"latency {number + 1}/{options.rounds}: p99 in ms: {p99}")
    return percentiles


def rotated(entrants: Sequence[Entrant], number: int) -> list[Entrant]:
    """The entrants, rotated by the number of the round."""
    start = number % len(entrants)
    return [*entrants[start:], *entrants[:start]]


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _require_work(case: Case, name: str, answered: int, client: redis.Redis) -> None:
    """Raises BenchFailed if Redis ran too few commands for `answered` requests."""
    stats: dict[str, Any] = client.info("commandstats")
    done = sum(stats.get(f"cmdstat_{command}", {}).get("calls", 0) for command in case.commands)
    if done < answered * case.calls:
        raise BenchFailed(f"{name} answered {answered} requests; Redis ran {done} {case.commands}")


def _last(by_contestant: dict[str, Figures]) -> str:
    return ", ".join(
        f"{name} {figures['rate'][-1]:,.0f}/s {figures['cpu_us'][-1]:.1f} µs"
        for name, figures in by_contestant.items()
    )
