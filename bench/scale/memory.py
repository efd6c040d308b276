"""Memory per stored point in bytes, from Redis' `used_memory`."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import redis

from bench.scale import points
from bench.scale.servers import running, version
from dev.redis_server import RedisServer

STEP = 50
"""Users to add between two measurements."""
ONE_DOUBLING = range(2_520, 5_140, STEP)
"""Numbers of users. Redis doubles a table at 131,072 keys (2,570 users) and at 262,144 (5,140)."""
AFTER_DOUBLING = 2_650
"""The number of users just after all tables have doubled: keys, expiries and backlog entries."""
USERS_BY_POINTS = {1: 20_000, 50: 1_000, 1_000: 50}
"""Points per user -> the number of users."""
Bytes = dict[str, float]


def by_fill(binary: Path) -> dict[str, Any]:
    """Bytes per point over one doubling of Redis' tables, which changes the memory of a point."""
    with running(binary) as server:
        samples = []
        empty, start, filled = used(server.client), 0, 0
        for end in ONE_DOUBLING:
            filled += points.fill(server, range(start, end))
            start = end
            samples.append([filled, (used(server.client) - empty) / filled])
        best = parts(server, empty, filled)
        server.client.flushall()
        filled = points.fill(server, range(AFTER_DOUBLING))
        worst = parts(server, empty, filled)
        return {"version": version(server), "seen": samples, "full": best, "doubled": worst}


def by_user(binary: Path) -> dict[str, Bytes]:
    """Bytes per point for users with few and with many points."""
    with running(binary) as server:
        results = {}
        for per_user, users in USERS_BY_POINTS.items():
            server.client.flushall()
            empty = used(server.client)
            filled = points.fill(server, range(users), per_user=per_user)
            results[str(per_user)] = parts(server, empty, filled)
        return results


def parts(server: RedisServer, empty: float, filled: int) -> Bytes:
    """Bytes per point of hash, index and backlog entry (`mark`).

    Deletes the backlog and the indexes, and measures the memory after each step.
    """
    client = server.client
    full = used(client)
    _delete(client, ["archive:dirty"])
    without_backlog = used(client)
    _delete(client, client.scan_iter("recent:*", count=10_000))
    hashes = used(client)
    return {
        "points": filled,
        "all": (full - empty) / filled,
        "hash": (hashes - empty) / filled,
        "index": (without_backlog - hashes) / filled,
        "mark": (full - without_backlog) / filled,
    }


def _delete(client: redis.Redis, keys: Iterable[str]) -> None:
    remaining = iter(keys)
    while chunk := list(islice(remaining, points.CHUNK)):
        client.delete(*chunk)


def used(client: redis.Redis) -> float:
    """Bytes in use for data, without client buffers, because their size varies."""
    memory: dict[str, Any] = client.info("memory")
    return float(memory["used_memory"]) - float(memory["mem_clients_normal"])
