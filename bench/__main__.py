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

from bench import checks, report, rounds, versions, workload, wrk
from bench.contestants import CONTESTANTS, Contestant
from bench.options import BenchFailed, Options, cores
from bench.rounds import say
from bench.server import Server
from dev.redis_server import RedisServer
from dev.service import free_port


def main() -> None:
    options = Options.from_env(os.environ, [each.name for each in CONTESTANTS])
    chosen = [each for each in CONTESTANTS if not options.only or each.name in options.only]
    if all(each.is_ceiling for each in chosen):
        raise BenchFailed("BENCH_ONLY names only ceilings: there is nothing to compare")
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="resume-bench-")))
        results = _measure(chosen, options, directory, stack)
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    (options.output / "RESULTS.md").write_text(report.render(results))
    say(report.peak_table(results, "save"))
    say(f"All of it is in {options.output / 'RESULTS.md'}")


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
    requests = workload.requests()
    rates, busy = {}, {}
    for case, messages in requests.items():
        file = directory / f"{case}.requests"
        wrk.write_requests(file, messages)
        measured = servers if case == "save" else racing
        rates[case], busy[case] = rounds.peaks(case, measured, store.client, file, options)
    rate = rounds.equal_load(rates["save"])
    return {
        "settings": {
            "date": datetime.now(UTC).date().isoformat(),
            "rounds": options.rounds,
            "seconds": options.seconds,
        },
        "machine": versions.machine(store.client),
        "versions": {each.name: versions.of(each) for each in chosen},
        "requests_per_second": rates,
        "core_busy": busy,
        "latency": {
            "rate": rate,
            "rounds": rounds.latencies(racing, requests["save"], rate, options),
        },
    }


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
