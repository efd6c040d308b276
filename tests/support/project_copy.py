"""A copy of the project, for tests that follow the README in it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from dev.service import ROOT, free_port

READY_SECONDS = 300.0  # the first start in a fresh clone installs everything
STOP_SECONDS = 30.0
LEFT_OUT = (
    ".venv*",
    ".git",
    "instance",
    ".env",
    "__pycache__",
    ".*_cache",
    ".hypothesis",
    "node_modules",
)


class Project:
    """The project in `folder`. Its commands get only PORT and the variables in PASSED_ON."""

    PASSED_ON = ("PATH", "HOME", "TMPDIR", "LANG", "PIP_CERT", "SSL_CERT_FILE")

    def __init__(self, folder: Path, user: int | None = None) -> None:
        self.folder = folder
        self.port = free_port()
        self.env = {name: os.environ[name] for name in self.PASSED_ON if name in os.environ}
        self.env["PORT"] = str(self.port)
        self._as_user: dict[str, Any] = {}
        if user is not None:
            self._as_user = {"user": user, "group": user, "extra_groups": []}
        self.printed = ""
        """The output of the last `make run` until it was ready."""
        self._run: subprocess.Popen[bytes] | None = None
        self._runs = 0

    @classmethod
    def copied_to(cls, folder: Path) -> Project:
        """Copy the project as it is. The copy uses the packages of this environment."""
        shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*LEFT_OUT))
        (folder / ".venv").symlink_to(ROOT / ".venv")
        return cls(folder)

    def run_until_ready(self, **env: str) -> str:
        """Start `make run`, wait until it is ready, and return its output."""
        self._run, output = self._make_run(**env)
        deadline = time.monotonic() + READY_SECONDS
        while "Read it back" not in output.read_text():
            assert self._run.poll() is None, output.read_text()
            assert time.monotonic() < deadline, output.read_text()
            time.sleep(0.05)
        self.printed = output.read_text()
        return self.printed

    def failed_run(self, **env: str) -> list[str]:
        """Start a `make run` that must fail. Return the lines it prints, without those of make."""
        run, output = self._make_run(**env)
        assert run.wait(STOP_SECONDS) != 0
        return [line for line in output.read_text().splitlines() if not line.startswith("make")]

    def is_running(self) -> bool:
        return self._run is not None and self._run.poll() is None

    def interrupt(self) -> None:
        """Press Ctrl-C in the terminal of `make run`, and wait until it ends."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """Kill make and the processes of its terminal. Redis and gunicorn have other sessions."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Stop `make run` if it runs."""
        if self.is_running():
            self.interrupt()

    def paste(self, heading: str) -> str:
        """Run the curl line that `make run` printed below `heading`; return its output."""
        line = re.search(rf"^{heading}\n  (curl .*)$", self.printed, re.MULTILINE)
        assert line, self.printed
        return self.shell(line[1]).stdout

    def shell(self, command: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Run `command` in a shell in the folder, with the port in use instead of 8000."""
        return subprocess.run(
            ["bash", "-c", command.replace("localhost:8000", f"localhost:{self.port}")],
            cwd=self.folder,
            env=self.env,
            **self._as_user,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )

    def _make_run(self, **env: str) -> tuple[subprocess.Popen[bytes], Path]:
        """Start `make run`; return it and the file that gets its output."""
        self._runs += 1
        output = self.folder.parent / f"{self.folder.name}-{self._runs}.log"
        with output.open("wb") as log:
            run = subprocess.Popen(
                ["make", "run"],
                cwd=self.folder,
                env=self.env | env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **self._as_user,
            )
        return run, output

    def _end(self, number: signal.Signals) -> None:
        assert self._run is not None
        os.killpg(self._run.pid, number)
        self._run.wait(STOP_SECONDS)
