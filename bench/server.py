"""A contestant as a running server, bound to one core."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.contestants import CLOSED_PORT_URL, Contestant
from bench.options import BenchFailed
from bench.workload import PATH, SECRET
from dev.service import free_port

START_SECONDS = 30.0
STOP_SECONDS = 10.0


class Server:
    """Runs `contestant` on `core` in this context. Writes its log to `directory`."""

    def __init__(
        self,
        contestant: Contestant,
        *,
        core: int,
        redis_url: str,
        directory: Path,
        database_url: str = CLOSED_PORT_URL,
    ) -> None:
        self.contestant = contestant
        self.port = free_port()
        self.core = core
        self._log = directory / f"{contestant.name}.log"
        self._env = {
            "PATH": os.environ["PATH"],
            "PORT": str(self.port),
            "REDIS_URL": redis_url,
            "JWT_SECRET": SECRET,
            "DATABASE_URL": database_url,
            "WEB_CONCURRENCY": "1",
            "NODE_ENV": "production",
            "GOMAXPROCS": "1",
        }

    @property
    def name(self) -> str:
        return self.contestant.name

    @property
    def session(self) -> int:
        """The id of the session of all its processes."""
        return self._process.pid

    def __enter__(self) -> Self:
        command = self.contestant.command.format(python=sys.executable, port=self.port)
        with self._log.open("wb") as log:
            # In its own session, it gets no Ctrl-C. The benchmark stops its servers in order.
            self._process = subprocess.Popen(  # noqa: S603 - our own command
                ["taskset", "--cpu-list", str(self.core), *command.split()],  # noqa: S607
                cwd=self.contestant.directory,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            self._wait_until_it_answers()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise BenchFailed(f"{self.name} did not start:\n{self._log.read_text()}")
            time.sleep(0.05)

    def _answers(self) -> bool:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=1)
        try:
            connection.request("GET", PATH)
            connection.getresponse()
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()
        return True

    def _stop(self) -> None:
        """Terminate the first process, then kill the rest of its process group."""
        self._process.terminate()
        try:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
