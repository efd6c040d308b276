"""The service as it runs in production: gunicorn with its own configuration, as a child process."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 30.0
MEMORY = Path("/dev/shm")  # noqa: S108 - where gunicorn.conf.py makes its folders


def free_port() -> int:
    """A port of loopback that nothing listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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


class Service:
    """A running service on loopback; `env` is all it knows besides the port.

    Its log goes to `log`.
    """

    def __init__(self, log: Path, **env: str) -> None:
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.log = log
        self._env = {"PATH": os.environ["PATH"], "PORT": str(self.port)} | env
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id of gunicorn's master."""
        if self._process is None:
            raise RuntimeError("not started")
        return self._process.pid

    def start(self) -> None:
        """Start it and wait until it serves. Raises RuntimeError when it does not."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "gunicorn"],
                cwd=ROOT,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while not answers(self.port, "/healthz"):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"the service did not start:\n{self.log.read_text()}")
            time.sleep(0.02)

    def signal(self, number: signal.Signals) -> None:
        """Send `number` to gunicorn's master."""
        os.kill(self.pid, number)

    def wait(self, timeout: float = 60.0) -> int:
        """Wait for its end; the exit status."""
        if self._process is None:
            raise RuntimeError("not started")
        return self._process.wait(timeout)

    def stop(self) -> None:
        """Stop it gracefully."""
        self.signal(signal.SIGTERM)
        self.wait()

    def kill(self) -> None:
        """End the master and its workers at once."""
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            for left in MEMORY.glob(f"resume-metrics-{self._process.pid}-*"):
                shutil.rmtree(left)  # which a killed service can't
