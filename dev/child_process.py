"""A server of our own as a child process: what Redis, Postgres and the service have in common."""

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
"""Of its end, shown when a start fails."""


class ChildProcess(ABC):
    """It runs in a session of its own: a Ctrl-C in the terminal reaches its parent, which stops it last."""

    _process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def start(self) -> None:
        """Start it and wait until it answers. Raises RuntimeError when it does not."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether it is ready."""

    @property
    def pid(self) -> int:
        return self._running().pid

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        self._running().send_signal(number)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; the exit status."""
        return self._running().wait(timeout)

    def stop(self) -> None:
        """Let it finish what it holds, and end."""
        self.signal(signal.SIGTERM)
        self.wait()

    def kill(self) -> None:
        """End it at once, if it runs, with all that it started."""
        if self.is_running():
            os.killpg(self.pid, signal.SIGKILL)
            self.wait()

    def _launch(self, command: list[str], log: Path, **how: Any) -> None:
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                **how,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            if not self.is_running() or time.monotonic() > deadline:
                self.kill()
                told = log.read_text()[-LOG_CHARACTERS:]
                raise RuntimeError(f"{Path(command[0]).name} did not start; {log} ends in:\n{told}")
            time.sleep(0.01)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("not started")
        return self._process
