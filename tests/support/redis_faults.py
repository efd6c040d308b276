"""Ways in which a Redis alone fails, besides those of any server."""

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
BYTES_A_KEY = 40_000
"""Redis answers other clients after every 2 MB that it loads."""


@contextlib.contextmanager
def stopped(server: RedisServer) -> Iterator[None]:
    server.stop()
    try:
        yield
    finally:
        server.start()


@contextlib.contextmanager
def loading(server: RedisServer) -> Iterator[None]:
    """Restarted with much to read: it takes connections and answers -LOADING meanwhile."""
    _fill(server.client)
    server.stop()
    server._options["key-load-delay"] = MICROSECONDS_A_KEY
    starting = threading.Thread(target=server.start)
    starting.start()
    try:
        eventually(lambda: _says(server, redis.exceptions.BusyLoadingError))
        yield
    finally:
        with contextlib.suppress(redis.ResponseError):  # Redis 6 takes it only when it has loaded
            server.client.config_set("key-load-delay", 0)
        starting.join()
        del server._options["key-load-delay"]


@contextlib.contextmanager
def busy(server: RedisServer) -> Iterator[None]:
    """Held by a script that does not end."""

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
def locked(server: RedisServer) -> Iterator[None]:
    """Asks for a password that the service does not have."""
    server.client.config_set("requirepass", "changed")
    _drop_other_clients(server)
    try:
        yield
    finally:
        server.client.config_set("requirepass", "")


@contextlib.contextmanager
def crowded(server: RedisServer) -> Iterator[None]:
    """Has as many clients as it takes."""
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
    """The replica of a primary that is gone."""
    server.client.replicaof("127.0.0.1", 1)
    try:
        yield
    finally:
        server.client.replicaof("no", "one")


@contextlib.contextmanager
def unable_to_persist(server: RedisServer) -> Iterator[None]:
    """Refuses writes (-MISCONF) because a snapshot failed: a folder stands where it would go."""
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
    """Has fewer replicas than it must have to take writes."""
    server.client.config_set("min-replicas-to-write", 1)
    try:
        yield
    finally:
        server.client.config_set("min-replicas-to-write", 0)


OUT_OF_REACH = (killed, stopped, frozen, loading, busy, locked, crowded)
"""No command succeeds."""
REFUSING_WRITES = (full, read_only, unable_to_persist, without_replicas)
"""Reads succeed."""


def _fill(client: redis.Redis) -> None:
    """Write much, and make the file that Redis loads a snapshot, which it reads key by key."""
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
