"""Faults of a Redis. `server_faults.py` has the faults of any server."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from dev.redis_server import RedisServer
from tests.support.eventually import eventually
from tests.support.server_faults import frozen, killed

MICROSECONDS_A_KEY = "6000"
KEYS_TO_LOAD = 600
"""With MICROSECONDS_A_KEY, Redis loads for 3.6 s."""
BYTES_A_KEY = 40_000
"""Large enough: while Redis loads, it answers other clients after each 2 MB only."""


@contextlib.contextmanager
def stopped(server: RedisServer) -> Iterator[None]:
    server.stop()
    try:
        yield
    finally:
        server.start()


@contextlib.contextmanager
def loading(server: RedisServer) -> Iterator[None]:
    """Restarted with much data: it accepts connections and answers -LOADING."""
    _fill(server.client)
    server.stop()
    server._options["key-load-delay"] = MICROSECONDS_A_KEY
    starting = threading.Thread(target=server.start)
    starting.start()
    try:
        eventually(lambda: _says(server, redis.exceptions.BusyLoadingError))
        yield
    finally:
        with contextlib.suppress(redis.ResponseError):  # Redis 6 refuses it until it has loaded
            server.client.config_set("key-load-delay", 0)
        starting.join()
        del server._options["key-load-delay"]


@contextlib.contextmanager
def busy(server: RedisServer) -> Iterator[None]:
    """Busy with an endless script: it answers -BUSY."""

    def run() -> None:
        with contextlib.suppress(redis.ResponseError), _another_client(server) as client:
            client.eval("while true do end", 0)

    running = threading.Thread(target=run)
    running.start()
    try:
        eventually(lambda: _says(server, redis.ResponseError))
        yield
    finally:
        server.client.script_kill()
        running.join()


@contextlib.contextmanager
def password_protected(server: RedisServer) -> Iterator[None]:
    """Requires a password that the service does not have."""
    server.client.config_set("requirepass", "changed")
    _drop_other_clients(server)
    try:
        yield
    finally:
        server.client.config_set("requirepass", "")


@contextlib.contextmanager
def out_of_connections(server: RedisServer) -> Iterator[None]:
    """At its limit of clients."""
    server.client.config_set("maxclients", 1)
    _drop_other_clients(server)
    try:
        yield
    finally:
        server.client.config_set("maxclients", 1000)


@contextlib.contextmanager
def full(server: RedisServer) -> Iterator[None]:
    server.client.config_set("maxmemory", 1)
    try:
        yield
    finally:
        server.client.config_set("maxmemory", 0)


@contextlib.contextmanager
def read_only(server: RedisServer) -> Iterator[None]:
    """A replica of a master that does not exist."""
    server.client.replicaof("127.0.0.1", 1)
    try:
        yield
    finally:
        server.client.replicaof("no", "one")


@contextlib.contextmanager
def unable_to_persist(server: RedisServer) -> Iterator[None]:
    """Refuses writes (-MISCONF) after a failed snapshot: its file name is taken by a folder."""
    obstacle = server.directory / "dump.rdb"
    (obstacle / "not empty").mkdir(parents=True)
    server.client.config_set("save", "3600 1")
    try:
        server.client.bgsave()
        eventually(lambda: server.client.info("persistence")["rdb_last_bgsave_status"] == "err")
        yield
    finally:
        server.client.config_set("save", "")
        (obstacle / "not empty").rmdir()
        obstacle.rmdir()


@contextlib.contextmanager
def without_replicas(server: RedisServer) -> Iterator[None]:
    """Refuses writes because it has too few replicas."""
    server.client.config_set("min-replicas-to-write", 1)
    try:
        yield
    finally:
        server.client.config_set("min-replicas-to-write", 0)


OUTAGES = (killed, stopped, frozen, loading, busy, password_protected, out_of_connections)
"""No command succeeds."""
WRITE_FAULTS = (full, read_only, unable_to_persist, without_replicas)
"""Writes fail, reads succeed."""


def _fill(client: redis.Redis) -> None:
    """Write much data, and a snapshot of it: only from a snapshot does Redis load key by key."""
    with client.pipeline(transaction=False) as pipe:
        for number in range(KEYS_TO_LOAD):
            pipe.set(f"filler:{number}", os.urandom(BYTES_A_KEY), ex=3600)
        pipe.execute()
    client.bgrewriteaof()
    eventually(lambda: not _rewriting(client))


def _rewriting(client: redis.Redis) -> bool:
    info = client.info("persistence")
    return bool(info["aof_rewrite_in_progress"] or info["aof_rewrite_scheduled"])


def _says(server: RedisServer, kind: type[redis.RedisError]) -> bool:
    try:
        with _another_client(server) as client:
            client.ping()
    except kind:
        return True
    except redis.RedisError:
        return False
    return False


def _another_client(server: RedisServer) -> redis.Redis:
    return redis.Redis.from_url(server.url, retry=Retry(NoBackoff(), 0))


def _drop_other_clients(server: RedisServer) -> None:
    server.client.client_kill_filter(_type="normal", skipme=True)
