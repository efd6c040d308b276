"""Bytes that a stored point takes, by Redis' own `used_memory`."""

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
"""Users between one look at the memory and the next."""
FROM_ONE_DOUBLING_TO_THE_NEXT = range(2_520, 5_140, STEP)
"""Users. Redis doubles a table at 131,072 keys, as 2,570 users have, and at 262,144, as 5,140 have."""
AFTER_DOUBLING = 2_650
"""Users for whom every table of Redis has just doubled: of keys, of expiries and of marks."""
POINTS_OF_A_USER = {1: 20_000, 50: 1_000, 1_000: 50}
"""How many users are filled with so many points each."""
Bytes = dict[str, float]


def by_fill(binary: Path) -> dict[str, Any]:
    """Over one doubling of Redis' tables: the memory of a point depends on when one looks."""
    with running(binary) as server:
        seen = []
        empty, start, filled = used(server.client), 0, 0
        for end in FROM_ONE_DOUBLING_TO_THE_NEXT:
            filled += points.fill(server, range(start, end))
            start = end
            seen.append([filled, (used(server.client) - empty) / filled])
        best = parts(server, empty, filled)
        server.client.flushall()
        filled = points.fill(server, range(AFTER_DOUBLING))
        worst = parts(server, empty, filled)
        return {"version": version(server), "seen": seen, "full": best, "doubled": worst}


def by_user(binary: Path) -> dict[str, Bytes]:
    """Bytes a point of users with few and many points."""
    with running(binary) as server:
        found = {}
        for each, users in POINTS_OF_A_USER.items():
            server.client.flushall()
            empty = used(server.client)
            filled = points.fill(server, range(users), per_user=each)
            found[str(each)] = parts(server, empty, filled)
        return found


def parts(server: RedisServer, empty: float, filled: int) -> Bytes:
    """What hash, index and mark take, found by deleting the last two."""
    client = server.client
    full = used(client)
    _delete(client, ["archive:dirty"])
    unmarked = used(client)
    _delete(client, client.scan_iter("recent:*", count=10_000))
    hashes = used(client)
    return {
        "points": filled,
        "all": (full - empty) / filled,
        "hash": (hashes - empty) / filled,
        "index": (unmarked - hashes) / filled,
        "mark": (full - unmarked) / filled,
    }


def _delete(client: redis.Redis, keys: Iterable[str]) -> None:
    remaining = iter(keys)
    while some := list(islice(remaining, points.CHUNK)):
        client.delete(*some)


def used(client: redis.Redis) -> float:
    """Bytes in use for data; buffers of clients, which come and go, are left out."""
    memory: dict[str, Any] = client.info("memory")
    return float(memory["used_memory"]) - float(memory["mem_clients_normal"])
