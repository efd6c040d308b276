"""Real Redis servers with failover: a cluster of six, and a master with Sentinels."""

from __future__ import annotations

import contextlib
import random
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil
from redis.crc import key_slot

from dev.redis_server import RedisServer, preferred_binary
from tests.support.eventually import eventually

SLOTS = 16384
BUS = 10_000
"""The port of a node's cluster bus, minus the port for its clients."""
SERVICE = "resume-points"
DOWN_AFTER_SECONDS = 2.0
"""Seconds without an answer before a server counts as failed."""
FAILOVER_SECONDS = 10.0
"""Seconds until a replica is promoted, on a busy machine: detection, election, promotion."""
REPLICATION = {
    "repl-diskless-sync": "yes",
    "repl-diskless-sync-delay": "0",
    "repl-ping-replica-period": "1",  # Redis 7 lists a replica after the first ping
    "save": "",
}


class Topology:
    """Servers of which one at a time may fail. `url` is the REDIS_URL of the service."""

    servers: list[RedisServer]
    url: str
    replicas: int
    """The number of replicas of each master in a healthy topology."""

    def master(self, key: str) -> RedisServer:
        """The master that has the slot of `key`."""
        raise NotImplementedError

    def is_healthy(self) -> bool:
        """Whether each master has all its replicas, and each replica is synchronized."""
        raise NotImplementedError

    def kill_master(self, key: str) -> RedisServer:
        """Kill the master of `key` and return it."""
        victim = self.master(key)
        victim.kill()
        return victim

    def wait_until_healthy(self) -> None:
        eventually(self.is_healthy, within=30)

    def stop(self) -> None:
        """Kill every process, also frozen ones."""
        for server in self.servers:
            if server.is_running():
                server.kill()


class RedisCluster6(Topology):
    """A Redis Cluster of three masters, each with one replica."""

    replicas = 1

    def __init__(self, folder: Path, binary: Path | None = None) -> None:
        options = {
            "cluster-enabled": "yes",
            "cluster-node-timeout": str(round(DOWN_AFTER_SECONDS * 1000)),
            "cluster-require-full-coverage": "no",
        }
        self.servers = [
            RedisServer(folder / f"node-{port}", port=port, binary=binary, **options, **REPLICATION)
            for port in _ports_with_a_bus(6)
        ]
        self.url = "redis://" + ",".join(f"127.0.0.1:{each.port}" for each in self.servers)

    def start(self) -> None:
        """Start the six servers, join them to a cluster and wait until it is healthy."""
        for epoch, server in enumerate(self.servers, 1):
            server.start()
            server.client.execute_command("CLUSTER SET-CONFIG-EPOCH", epoch)
            server.client.execute_command("CLUSTER MEET", "127.0.0.1", self.servers[0].port)
        for number, server in enumerate(self.servers[:3]):
            slots = range(number * SLOTS // 3, (number + 1) * SLOTS // 3)
            server.client.execute_command("CLUSTER ADDSLOTS", *slots)
        eventually(lambda: all(_knows(each, len(self.servers)) for each in self.servers))
        for master, replica in zip(self.servers[:3], self.servers[3:], strict=True):
            replica.client.execute_command("CLUSTER REPLICATE", node_id(master))
        self.wait_until_healthy()

    def master(self, key: str) -> RedisServer:
        slot = key_slot(key.encode())
        alive = next(filter(_is_up, self.servers))
        for first, last, (_, port, *_rest), *_replicas in _ranges(alive):
            if first <= slot <= last:
                return self.at(port)
        raise LookupError(f"no master has the slot of {key}")

    def at(self, port: int) -> RedisServer:
        return next(each for each in self.servers if each.port == port)

    def is_healthy(self) -> bool:
        """Whether all six servers see three masters with one replica each."""
        ports = {each.port for each in self.servers}
        return all(
            _is_up(each)
            and _says(each, "CLUSTER INFO", "cluster_state:ok")
            and _is_synchronized(each)
            and {node[1] for of in _ranges(each) for node in of[2:]} == ports
            and all(len(of) == 4 for of in _ranges(each))
            for each in self.servers
        )


class SentinelTrio(Topology):
    """A master with two replicas and three Sentinels, with a quorum of two."""

    replicas = 2

    def __init__(self, folder: Path, binary: Path | None = None) -> None:
        *ports, first, second, third = _ports_with_a_bus(6)
        self.redises = [
            RedisServer(folder / f"redis-{port}", port=port, binary=binary, **REPLICATION)
            for port in ports
        ]
        # A server started under this name is a Sentinel.
        program = folder / "redis-sentinel"
        program.symlink_to(binary or preferred_binary())
        self.sentinels = [
            RedisServer(
                folder / f"sentinel-{port}",
                port=port,
                binary=program,
                config=_sentinel_config(folder / f"sentinel-{port}.conf", ports[0]),
            )
            for port in (first, second, third)
        ]
        self.servers = [*self.redises, *self.sentinels]
        hosts = ",".join(f"127.0.0.1:{each.port}" for each in self.sentinels)
        self.url = f"redis+sentinel://{hosts}/{SERVICE}"

    def start(self) -> None:
        """Start all six and wait until the Sentinels know the replicas and each other."""
        for server in self.redises:
            server.start()
        for replica in self.redises[1:]:
            replica.client.replicaof("127.0.0.1", self.redises[0].port)
        eventually(lambda: all(_is_synchronized(each) for each in self.redises))
        for sentinel in self.sentinels:
            sentinel.start()
        self.wait_until_healthy()

    def master(self, key: str = "") -> RedisServer:
        alive = next(filter(_is_up, self.sentinels))
        _, port = alive.client.execute_command("SENTINEL GET-MASTER-ADDR-BY-NAME", SERVICE)
        return next(each for each in self.redises if each.port == int(port))

    def is_healthy(self) -> bool:
        """Whether all Sentinels know each other, and the master has two synchronized replicas."""
        states = [each.client.sentinel_masters().get(SERVICE, {}) for each in self.sentinels]
        return all(_is_synchronized(each) for each in self.redises) and all(
            state.get("flags") == "master"
            and state["num-slaves"] == state["num-other-sentinels"] == 2
            and state["port"] == self.master().port
            for state in states
        )


@contextlib.contextmanager
def running(topology: RedisCluster6 | SentinelTrio) -> Iterator[None]:
    """Start the topology; stop it at the end."""
    try:
        topology.start()
        yield
    finally:
        topology.stop()


def _is_up(server: RedisServer) -> bool:
    """Whether the server is neither killed nor frozen."""
    return server.is_running() and psutil.Process(server.pid).status() != psutil.STATUS_STOPPED


def node_id(server: RedisServer) -> str:
    return str(server.client.execute_command("CLUSTER MYID"))


def _ranges(server: RedisServer) -> list[list]:
    """Ranges of slots: `[first, last, [master host, port, ...], [replica host, port, ...], ...]`."""
    return server.client.execute_command("CLUSTER SLOTS")


def _says(server: RedisServer, command: str, line: str) -> bool:
    pool = server.client.connection_pool  # for the raw text: redis-py would parse it to a dict
    connection = pool.get_connection()
    try:
        connection.send_command(*command.split())
        return line in str(connection.read_response())
    finally:
        pool.release(connection)


def _knows(server: RedisServer, nodes: int) -> bool:
    return _says(server, "CLUSTER INFO", f"cluster_known_nodes:{nodes}\r\n")


def _is_synchronized(server: RedisServer) -> bool:
    """Whether the server is a master, or a replica connected to its master."""
    info = server.client.info("replication")
    return info["role"] == "master" or info["master_link_status"] == "up"


def _sentinel_config(path: Path, master_port: int) -> Path:
    down_after = round(DOWN_AFTER_SECONDS * 1000)
    path.write_text(
        f"sentinel monitor {SERVICE} 127.0.0.1 {master_port} 2\n"
        f"sentinel down-after-milliseconds {SERVICE} {down_after}\n"
        f"sentinel failover-timeout {SERVICE} {2 * down_after}\n"
        f"sentinel parallel-syncs {SERVICE} 2\n"
    )
    return path


def _ports_with_a_bus(count: int) -> list[int]:
    """Free ports with a free bus port, below the range of ephemeral ports."""
    found: list[int] = []
    while len(found) < count:
        port = random.randrange(11_000, 11_000 + BUS)  # no port is the bus port of another
        if port not in found and _is_free(port) and _is_free(port + BUS):
            found.append(port)
    return found


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
