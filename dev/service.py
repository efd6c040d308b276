"""The service as a child process: gunicorn with the production configuration."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from dev.child_process import ChildProcess

ROOT = Path(__file__).resolve().parent.parent
MEMORY = Path("/dev/shm")  # noqa: S108 - gunicorn.conf.py creates its folders here


def free_port() -> int:
    """A free port of loopback, reserved for this process on Linux.

    A bound socket reserves the port there. A server with SO_REUSEADDR can still listen on it.
    On other systems, another process may take the port first.
    """
    reservation = socket.socket()
    reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reservation.bind(("127.0.0.1", 0))
    port = int(reservation.getsockname()[1])
    if sys.platform == "linux":
        reservation.detach()  # the socket stays open until this process ends
    else:
        reservation.close()
    return port


def answers(port: int, path: str) -> bool:
    """Whether a server on `port` of loopback answers `path` with 200."""
    connection = HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


class Service(ChildProcess):
    """A service on loopback with the environment `env` plus PATH and PORT. It logs to `log`.

    `config` is the path of a file that replaces `gunicorn.conf.py`.
    """

    def __init__(self, log: Path, *, config: str | None = None, **env: str) -> None:
        self._options = ["--config", config] if config else []
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.log = log
        self._env = {"PATH": os.environ["PATH"], "PORT": str(self.port)} | env

    def start(self) -> None:
        self._launch(
            [sys.executable, "-m", "gunicorn", *self._options], self.log, cwd=ROOT, env=self._env
        )

    def answers(self) -> bool:
        return answers(self.port, "/healthz")

    def kill(self) -> None:
        if self.is_running():
            super().kill()
            for folder in MEMORY.glob(f"resume-metrics-{self.pid}-*"):
                shutil.rmtree(folder, ignore_errors=True)  # a killed service can't delete it
