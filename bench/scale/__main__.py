"""Runs the scale benchmark: `python -m bench.scale [part ...]` in the project's root.

scale.json keeps the results of earlier runs of other parts. SCALE.md shows all of them.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import redis

from bench.options import BenchFailed, Options
from bench.rounds import say
from bench.scale import memory, report, servers, throughput, times

PARTS: dict[str, Callable[[Path], Any]] = {
    "sizes": times.by_size,
    "users": times.by_user,
    "memory": memory.by_fill,
    "memory-users": memory.by_user,
    "throughput": throughput.by_mode,
}


def main(part_names: list[str]) -> None:
    if unknown := set(part_names) - set(PARTS):
        raise BenchFailed(f"the parts are {', '.join(PARTS)}, not {', '.join(unknown)}")
    output = Options.from_env(os.environ, []).output
    file = output / "scale.json"
    results = json.loads(file.read_text()) if file.exists() else {}
    chosen = servers.chosen(os.environ.get("BENCH_SCALE_SERVERS", ""))
    for part in part_names or PARTS:
        for name, binary in chosen.items():
            say(f"{part} of {name}")
            results.setdefault(part, {})[name] = PARTS[part](binary)
    results["date"] = datetime.now(UTC).date().isoformat()
    output.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(results, indent=1) + "\n")
    (output / "SCALE.md").write_text(report.render(results))
    say(f"It is in {output / 'SCALE.md'}")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (BenchFailed, OSError, redis.RedisError, RuntimeError) as fault:
        sys.exit(f"bench: {fault}")
    except KeyboardInterrupt:
        sys.exit("bench: interrupted")
