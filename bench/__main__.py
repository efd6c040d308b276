"""Runs the benchmark: `python -m bench` in the project's root. See README.md."""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

import redis

from bench import burst, cases, checks, idle, report, rounds, versions, workload
from bench.contestants import CONTESTANTS, Contestant
from bench.options import BenchFailed, Options, cores
from bench.rounds import say
from bench.server import Server
from bench.stored_points import seed
from dev.redis_server import RedisServer
from dev.service import free_port


def main() -> None:
    options = Options.from_env(os.environ, [each.name for each in CONTESTANTS], cases.NAMES)
    chosen = _chosen(options)
    if options.measures(cases.IDLE):
        idle.raise_file_limit()
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="resume-bench-")))
        results = _measure(chosen, options, directory, stack)
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    (options.output / "RESULTS.md").write_text(report.render(results))
    say(f"The results are in {options.output / 'RESULTS.md'}")


def _chosen(options: Options) -> list[Contestant]:
    """The contestants to measure. Raises BenchFailed if there are none."""
    wanted = [each for each in CONTESTANTS if not options.only or each.name in options.only]
    for missing in (each for each in wanted if not each.is_installed):
        say(f"{missing.title} is left out: {missing.program} was not built")
    chosen = [each for each in wanted if each.is_installed]
    if all(each.is_ceiling for each in chosen):
        raise BenchFailed("BENCH_ONLY leaves no contestant to measure, or only ceilings")
    return chosen


def _measure(
    chosen: list[Contestant], options: Options, directory: Path, stack: ExitStack
) -> dict[str, Any]:
    """Start all servers and measure. Returns the content of results.json. `stack` stops them."""
    server_core, load_core = cores()
    os.sched_setaffinity(0, {load_core})  # for this process and its child processes
    store = _redis(directory, stack)
    servers = [
        stack.enter_context(
            Server(each, core=server_core, redis_url=store.url, directory=directory)
        )
        for each in chosen
    ]
    racing = [server for server in servers if not server.contestant.is_ceiling]
    for server in racing:
        checks.check(server, store.client)
    say(f"{len(racing)} contestants do the same work; measuring.")
    results: dict[str, Any] = {
        "settings": {
            "date": datetime.now(UTC).date().isoformat(),
            "rounds": options.rounds,
            "seconds": options.seconds,
        },
        "machine": versions.machine(store.client),
        "versions": {each.name: versions.of(each) for each in chosen},
        "cases": {},
    }
    for group in cases.GROUPS:
        selected = [case for case in group if options.measures(case.name)]
        selected = [case for case in selected if any(map(case.measures, chosen))]
        if selected:
            seed(store.client)
            peaks = rounds.Peaks(selected, servers, store.client, directory)
            results["cases"] |= peaks.measure(options)
    seed(store.client)
    saves = workload.saves()
    if options.measures(cases.LATENCY):
        results["latency"] = rounds.latencies(racing, saves, options)
    if options.measures(cases.BURST) and any(each.name == burst.NAME for each in chosen):
        results["burst"] = burst.measure(saves, server_core, store, directory, options)
    holders = [each for each in chosen if each.name in idle.CONTESTANTS]
    if options.measures(cases.IDLE) and holders:
        results["idle"] = idle.measure(holders, server_core, store, directory, options)
    return results


def _redis(directory: Path, stack: ExitStack) -> RedisServer:
    """A Redis without persistence, so that no contestant waits for a disk."""
    server = RedisServer(directory / "redis", port=free_port(), save="", appendonly="no")
    stack.callback(_stop, server)  # before the start, because an interrupt may come during it
    server.start()
    return server


def _stop(server: RedisServer) -> None:
    if server.is_running():
        server.stop()


def _interrupted(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _interrupted)
    try:
        main()
    except (BenchFailed, FileNotFoundError, redis.RedisError, RuntimeError) as fault:
        sys.exit(f"bench: {fault}")
    except KeyboardInterrupt:
        sys.exit("bench: interrupted")
