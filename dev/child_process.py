"""A server as a child process: the base class for Redis, Postgres and the service."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

START_SECONDS = 30.0
LOG_CHARACTERS = 3000
"""Characters at the end of the log that the error shows after a failed start."""


class ChildProcess(ABC):
    """It runs in its own session, so a Ctrl-C reaches only the parent, which can then stop it."""

    _process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def start(self) -> None:
        """Start it and wait until it answers. Raises RuntimeError if it does not start."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether the server is ready for requests."""

    @property
    def pid(self) -> int:
        return self._running().pid

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        self._running().send_signal(number)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end of the process. Returns the exit status."""
        return self._running().wait(timeout)

    def stop(self) -> None:
        """Stop it with SIGTERM, which lets it finish its work."""
        self.signal(signal.SIGTERM)
        self.wait()

    def kill(self) -> None:
        """Kill it and its child processes, if it is running."""
        if self.is_running():
            os.killpg(self.pid, signal.SIGKILL)
            self.wait()

    def _launch(self, command: list[str], log: Path, **options: Any) -> None:
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                **options,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            if not self.is_running() or time.monotonic() > deadline:
                self.kill()
                end = log.read_text()[-LOG_CHARACTERS:]
                raise RuntimeError(f"{Path(command[0]).name} did not start; {log} ends in:\n{end}")
            time.sleep(0.01)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("not started")
        return self._process
