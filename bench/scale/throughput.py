"""How many saves one Redis takes, and what each costs: core, disk and network."""

from __future__ import annotations

import selectors
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import islice, pairwise
from pathlib import Path
from statistics import median
from typing import Any

from bench.scale import points
from bench.scale.servers import running, version
from dev.redis_server import RedisServer
from dev.service import free_port
from resume_service.resume.keys import Keys

USERS = 1_000
SECONDS = 1.0
ROUNDS = 2
MOST_SAVES = 200_000
IN_STEPS = USERS * points.PER_USER
APPENDED = {"appendonly": "yes", "auto-aof-rewrite-percentage": "0"}
MODES: dict[str, dict[str, str]] = {
    "no AOF": {},
    "everysec": {**APPENDED, "appendfsync": "everysec"},
    "always": {**APPENDED, "appendfsync": "always"},
}
LOADS = {"1 x 1": (1, 1), "4 x 8": (4, 8), "16 x 64": (16, 64)}
"""Connections, and saves in each pipeline."""


def by_mode(binary: Path) -> dict[str, Any]:
    """Saves a second, microseconds of core and bytes to disk for each, by way of writing to disk."""
    ready = [points.packed(c) for (c,) in points.saves(_later(MOST_SAVES))]
    found: dict[str, Any] = {"modes": {}}
    for mode, options in MODES.items():
        with running(binary, options) as server:
            found["version"] = version(server)
            found["modes"][mode] = {}
            for load, (connections, depth) in LOADS.items():
                runs = [_run(server, ready, connections, depth) for _ in range(ROUNDS)]
                found["modes"][mode][load] = {k: median(r[k] for r in runs) for k in runs[0]}
    found["replica"] = _with_replica(binary)
    found["cluster"] = _in_two_steps(binary)
    return found


def _later(count: int) -> Iterator[Any]:
    """Saves of points that are there, one after another of all users, ever newer."""
    for number in range(count):
        video = number // USERS % points.PER_USER
        yield points.measurement(number % USERS, video, 1_000 + number * 0.001)


def _run(server: RedisServer, ready: Sequence[bytes], connections: int, depth: int) -> Any:
    """Fill, then load for a while."""
    server.client.flushall()
    points.fill(server, range(USERS))
    before = _spent(server)
    started = time.perf_counter()
    saved = _load(server, ready, connections, depth)
    seconds = time.perf_counter() - started
    after = _spent(server)
    each = {name: (after[name] - before[name]) / saved for name in before}
    return {
        "saves_per_second": saved / seconds,
        "core_us": each["core"] * 1e6,
        "core_busy": each["core"] * saved / seconds,
        "aof_bytes": each["aof"],
        "in_bytes": each["in"],
        "out_bytes": each["out"],
    }


def _load(server: RedisServer, ready: Sequence[bytes], connections: int, depth: int) -> int:
    """Each connection sends its next pipeline as soon as the last is answered; how many saves."""
    pipelines = (b"".join(ready[i : i + depth]) for i in range(0, len(ready) - depth, depth))
    end = time.perf_counter() + SECONDS
    saved = 0
    with ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        for pipeline in islice(pipelines, connections):
            connection = stack.enter_context(points.connected(server))
            connection.sendall(pipeline)
            selector.register(connection, selectors.EVENT_READ, connection)
        while selector.get_map():
            for key, _ in selector.select():
                points.expect_applied(key.data, depth)
                saved += depth
                following = next(pipelines, None) if time.perf_counter() < end else None
                if following is None:
                    selector.unregister(key.data)
                else:
                    key.data.sendall(following)
    return saved


def _spent(server: RedisServer) -> dict[str, float]:
    """Seconds of its main thread, and bytes."""
    client = server.client
    sections = ("cpu", "persistence", "stats", "replication")
    about: dict[str, Any] = {k: v for each in sections for k, v in client.info(each).items()}
    return {
        "core": about["used_cpu_sys_main_thread"] + about["used_cpu_user_main_thread"],
        "aof": float(about.get("aof_current_size", 0)),
        "in": float(about["total_net_input_bytes"]),
        "out": float(about["total_net_output_bytes"]),
        "replicated": float(about["master_repl_offset"]),
    }


def _with_replica(binary: Path) -> dict[str, float]:
    """What a save costs where a replica follows: microseconds of both cores, bytes to the replica."""
    with ExitStack() as stack:
        primary = stack.enter_context(running(binary, port=free_port()))
        points.fill(primary, range(USERS))
        replica = stack.enter_context(running(binary, port=free_port()))
        replica.client.replicaof("127.0.0.1", str(primary.port))
        while not primary.client.wait(1, 1_000):
            pass
        before, before_there = _spent(primary), _spent(replica)
        points.send((points.packed(c) for (c,) in points.saves(_later(IN_STEPS))), primary)
        primary.client.wait(1, 10_000)
        after, after_there = _spent(primary), _spent(replica)
        return {
            "core_us": (after["core"] - before["core"]) / IN_STEPS * 1e6,
            "replica_core_us": (after_there["core"] - before_there["core"]) / IN_STEPS * 1e6,
            "bytes": (after["replicated"] - before["replicated"]) / IN_STEPS,
        }


def _in_two_steps(binary: Path) -> dict[str, float]:
    """Microseconds of core for a save as a cluster has it: the script, then the mark by itself."""
    with running(binary) as server:
        points.load_scripts(server.client)
        keys = Keys(hash_tags=True)
        at_first, later = (
            [[points.packed(c) for c in both] for both in points.saves(moments, keys=keys)]
            for moments in (_later(IN_STEPS), _later(2 * IN_STEPS))
        )
        later = later[IN_STEPS:]
        points.send((script for script, _ in at_first), server)
        taken = [_spent(server)["core"]]
        points.send((script for script, _ in later), server)
        taken.append(_spent(server)["core"])
        points.send((mark for _, mark in later), server)
        taken.append(_spent(server)["core"])
        script, mark = ((b - a) / IN_STEPS * 1e6 for a, b in pairwise(taken))
        return {"script_core_us": script, "mark_core_us": mark}
