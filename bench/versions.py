"""Versions of the measured packages and of the machine."""

from __future__ import annotations

import json
import platform
import re
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

import redis

from bench.contestants import GO_PEERS, NODE_PEERS, Contestant


def machine(client: redis.Redis) -> dict[str, str]:
    """CPU and versions that all contestants share."""
    server: dict[str, Any] = client.info("server")
    return {
        "CPU": _cpu(),
        "Linux": platform.release(),
        "Python": platform.python_version(),
        "Node": _first_line("node", "--version").removeprefix("v"),
        "Redis": server["redis_version"],
        "wrk": re.sub(r"^wrk (?:debian/)?(\S+).*", r"\1", _first_line("wrk", "-v")),
    }


def of(contestant: Contestant) -> dict[str, str]:
    """The versions of the contestant's packages."""
    finders = {NODE_PEERS: _node_version, GO_PEERS: _debian_version}
    find = finders.get(contestant.directory, metadata.version)
    return {package: find(package) for package in contestant.packages}


def in_words(versions: dict[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def _node_version(package: str) -> str:
    manifest = NODE_PEERS / "node_modules" / package / "package.json"
    return str(json.loads(manifest.read_text())["version"])


def _debian_version(package: str) -> str:
    return _first_line("dpkg-query", "--show", "--showformat", "${Version}\n", package)


def _cpu() -> str:
    match = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return match[1] if match else platform.machine()


def _first_line(*command: str) -> str:
    # No `check=True`: `wrk -v` prints its version and exits with 1.
    process = subprocess.run(  # noqa: S603 - our own command
        command, capture_output=True, text=True, check=False
    )
    return process.stdout.splitlines()[0]
