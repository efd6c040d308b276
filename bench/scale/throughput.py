"""Saves per second of one Redis, with the CPU time, disk bytes and network bytes per save."""

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
SAVES = USERS * points.PER_USER
"""Saves of a measurement with a replica or as in a cluster."""
APPENDED = {"appendonly": "yes", "auto-aof-rewrite-percentage": "0"}
MODES: dict[str, dict[str, str]] = {
    "no AOF": {},
    "everysec": {**APPENDED, "appendfsync": "everysec"},
    "always": {**APPENDED, "appendfsync": "always"},
}
LOADS = {"1 x 1": (1, 1), "4 x 8": (4, 8), "16 x 64": (16, 64)}
"""The number of connections, and of saves per pipeline."""


def by_mode(binary: Path) -> dict[str, Any]:
    """Saves per second, and CPU time and bytes per save, for each persistence mode."""
    commands = [points.packed(c) for (c,) in points.saves(_newer_measurements(MOST_SAVES))]
    results: dict[str, Any] = {"modes": {}}
    for mode, options in MODES.items():
        with running(binary, options) as server:
            results["version"] = version(server)
            results["modes"][mode] = {}
            for load, (connections, depth) in LOADS.items():
                runs = [_run(server, commands, connections, depth) for _ in range(ROUNDS)]
                results["modes"][mode][load] = {k: median(r[k] for r in runs) for k in runs[0]}
    results["replica"] = _with_replica(binary)
    results["cluster"] = _as_in_cluster(binary)
    return results


def _newer_measurements(count: int) -> Iterator[Any]:
    """Measurements of existing points, for one user after another, each newer than the last."""
    for number in range(count):
        video = number // USERS % points.PER_USER
        yield points.measurement(number % USERS, video, 1_000 + number * 0.001)


def _run(server: RedisServer, commands: Sequence[bytes], connections: int, depth: int) -> Any:
    """Fill the server, then load it for SECONDS."""
    server.client.flushall()
    points.fill(server, range(USERS))
    before = _usage(server)
    started = time.perf_counter()
    saved = _load(server, commands, connections, depth)
    seconds = time.perf_counter() - started
    after = _usage(server)
    each = {name: (after[name] - before[name]) / saved for name in before}
    return {
        "saves_per_second": saved / seconds,
        "core_us": each["core"] * 1e6,
        "core_busy": each["core"] * saved / seconds,
        "aof_bytes": each["aof"],
        "in_bytes": each["in"],
        "out_bytes": each["out"],
    }


def _load(server: RedisServer, commands: Sequence[bytes], connections: int, depth: int) -> int:
    """Send pipelines for SECONDS. Returns the number of saves.

    Each connection sends its next pipeline after the replies to its last one.
    """
    starts = range(0, len(commands) - depth, depth)
    pipelines = (b"".join(commands[start : start + depth]) for start in starts)
    end = time.perf_counter() + SECONDS
    saved = 0
    with ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        for pipeline in islice(pipelines, connections):
            connection = stack.enter_context(points.connect(server))
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


def _usage(server: RedisServer) -> dict[str, float]:
    """CPU seconds of the server's main thread, and bytes to disk and network."""
    client = server.client
    sections = ("cpu", "persistence", "stats", "replication")
    info: dict[str, Any] = {k: v for each in sections for k, v in client.info(each).items()}
    return {
        "core": info["used_cpu_sys_main_thread"] + info["used_cpu_user_main_thread"],
        "aof": float(info.get("aof_current_size", 0)),
        "in": float(info["total_net_input_bytes"]),
        "out": float(info["total_net_output_bytes"]),
        "replicated": float(info["master_repl_offset"]),
    }


def _with_replica(binary: Path) -> dict[str, float]:
    """With a replica: CPU microseconds per save on both servers, and bytes to the replica."""
    with ExitStack() as stack:
        primary = stack.enter_context(running(binary, port=free_port()))
        points.fill(primary, range(USERS))
        replica = stack.enter_context(running(binary, port=free_port()))
        replica.client.replicaof("127.0.0.1", str(primary.port))
        while not primary.client.wait(1, 1_000):
            pass
        before, replica_before = _usage(primary), _usage(replica)
        points.send(
            (points.packed(c) for (c,) in points.saves(_newer_measurements(SAVES))), primary
        )
        primary.client.wait(1, 10_000)
        after, replica_after = _usage(primary), _usage(replica)
        return {
            "core_us": (after["core"] - before["core"]) / SAVES * 1e6,
            "replica_core_us": (replica_after["core"] - replica_before["core"]) / SAVES * 1e6,
            "bytes": (after["replicated"] - before["replicated"]) / SAVES,
        }


def _as_in_cluster(binary: Path) -> dict[str, float]:
    """As in a cluster: CPU microseconds of the script and of the separate backlog entry."""
    with running(binary) as server:
        points.load_scripts(server.client)
        keys = Keys(hash_tags=True)
        saves = [
            [points.packed(command) for command in commands]
            for commands in points.saves(_newer_measurements(2 * SAVES), keys=keys)
        ]
        first, second = saves[:SAVES], saves[SAVES:]
        points.send((script for script, _ in first), server)
        times = [_usage(server)["core"]]
        points.send((script for script, _ in second), server)
        times.append(_usage(server)["core"])
        points.send((entry for _, entry in second), server)
        times.append(_usage(server)["core"])
        script, entry = ((after - before) / SAVES * 1e6 for before, after in pairwise(times))
        return {"script_core_us": script, "mark_core_us": entry}
