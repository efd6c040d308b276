"""The service as it runs in production: gunicorn with its own configuration, as a child process."""

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
MEMORY = Path("/dev/shm")  # noqa: S108 - where gunicorn.conf.py makes its folders


def free_port() -> int:
    """A port of loopback that nothing listens on, and that no other process comes by.

    Linux gives no port away while it is held, and yet lets a server listen on it whose socket is to
    reuse addresses as this one is. Elsewhere the port was merely free a moment ago.
    """
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    port = int(held.getsockname()[1])
    if sys.platform == "linux":
        held.detach()  # it stays open until this process ends
    else:
        held.close()
    return port


def answers(port: int, path: str) -> bool:
    """Whether what listens on loopback at `port` answers `path` with a 200."""
    connection = HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


class Service(ChildProcess):
    """A running service on loopback; `env` is all it knows besides the port.

    Its log goes to `log`.
    """

    def __init__(self, log: Path, **env: str) -> None:
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.log = log
        self._env = {"PATH": os.environ["PATH"], "PORT": str(self.port)} | env

    def start(self) -> None:
        self._launch([sys.executable, "-m", "gunicorn"], self.log, cwd=ROOT, env=self._env)

    def answers(self) -> bool:
        return answers(self.port, "/healthz")

    def kill(self) -> None:
        if self.is_running():
            super().kill()
            for left in MEMORY.glob(f"resume-metrics-{self.pid}-*"):
                shutil.rmtree(left)  # which a killed service can't
