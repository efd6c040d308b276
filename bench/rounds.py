"""Rounds of measurements. Each round measures every contestant, so machine noise affects all."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import redis

from bench import cpu, latency, wrk
from bench.options import BenchFailed, Options
from bench.server import Server
from bench.workload import seed

WARM_UP_SECONDS = 2
WORK = {
    "save": (("hset", "hmset"), 1),
    "point": (("hmget", "hgetall"), 1),
    "list": (("hmget", "hgetall"), 50),
}
"""The Redis work per request of each case: any of these commands, and how many calls."""
ByRound = dict[str, list[float]]
"""A figure of each contestant in each round."""


def peaks(
    case: str, servers: Sequence[Server], client: redis.Redis, file: Path, options: Options
) -> tuple[ByRound, ByRound]:
    """Requests per second of each contestant, and the share of time its core was busy."""
    seed(client)
    for server in servers:
        wrk.run(server.port, file, min(WARM_UP_SECONDS, options.seconds))
    rates: ByRound = {server.name: [] for server in servers}
    busy: ByRound = {server.name: [] for server in servers}
    for number in range(options.rounds):
        for server in _rotated(servers, number):
            client.config_resetstat()
            before = cpu.cpu_time(server.core)
            answered, seconds = wrk.run(server.port, file, options.seconds)
            busy[server.name].append(cpu.busy(before, cpu.cpu_time(server.core)))
            if not server.contestant.is_ceiling:
                _require_work(case, server.name, answered, client)
            rates[server.name].append(answered / seconds)
        say(f"{case} {number + 1}/{options.rounds}: {_figures(rates)}")
    return rates, busy


def latencies(
    servers: Sequence[Server], requests: list[bytes], rate: float, options: Options
) -> dict[str, list[dict[str, float]]]:
    """Percentiles of each contestant's saves at `rate` per second, by round."""
    percentiles: dict[str, list[dict[str, float]]] = {server.name: [] for server in servers}
    for number in range(options.rounds):
        for server in _rotated(servers, number):
            measured = latency.measure(server.port, requests, rate, options.seconds)
            percentiles[server.name].append(measured)
        p99 = {name: [each["p99"] for each in by_round] for name, by_round in percentiles.items()}
        say(f"latency {number + 1}/{options.rounds}: p99 in ms {_figures(p99)}")
    return percentiles


def equal_load(rates: ByRound) -> float:
    """The load for the latency measurement in saves per second: half of FastAPI's peak.

    Without FastAPI, half of the peak of the slowest contestant.
    """
    peak = {name: median(by_round) for name, by_round in rates.items()}
    return peak.get("fastapi", min(peak.values())) / 2


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _rotated(servers: Sequence[Server], number: int) -> list[Server]:
    """The servers, rotated by the number of the round."""
    start = number % len(servers)
    return [*servers[start:], *servers[:start]]


def _require_work(case: str, name: str, answered: int, client: redis.Redis) -> None:
    """Raises BenchFailed if Redis ran too few commands for `answered` requests."""
    commands, times = WORK[case]
    stats: dict[str, Any] = client.info("commandstats")
    done = sum(stats.get(f"cmdstat_{command}", {}).get("calls", 0) for command in commands)
    if done < answered * times:
        raise BenchFailed(f"{name} answered {answered} requests; Redis ran {done} {commands}")


def _figures(by_name: Mapping[str, Sequence[float]]) -> str:
    return ", ".join(f"{name} {by_round[-1]:.1f}" for name, by_round in by_name.items())
