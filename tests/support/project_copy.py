"""A fresh copy of the project in which to do what the README says."""

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

READY_SECONDS = 300.0  # the first start in a fresh clone sets everything up
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
    """The project in `folder`, with nothing of this environment but PATH and HOME."""

    def __init__(self, folder: Path, user: int | None = None) -> None:
        self.folder = folder
        self.port = free_port()
        kept = ("PATH", "HOME", "TMPDIR", "LANG", "PIP_CERT", "SSL_CERT_FILE")
        self.env = {name: os.environ[name] for name in kept if name in os.environ}
        self.env["PORT"] = str(self.port)
        self._as_user: dict[str, Any] = {}
        if user is not None:
            self._as_user = {"user": user, "group": user, "extra_groups": []}
        self.printed = ""
        self._runs: list[subprocess.Popen[bytes]] = []

    @classmethod
    def copied_to(cls, folder: Path) -> Project:
        """A copy as it stands, with this environment's packages as its `.venv`."""
        shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*LEFT_OUT))
        (folder / ".venv").symlink_to(ROOT / ".venv")
        return cls(folder)

    def make_run(self, **env: str) -> Path:
        """Start `make run`; the file that gets what it prints."""
        output = self.folder.parent / f"{self.folder.name}-{len(self._runs)}.log"
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
        self._runs.append(run)
        return output

    def run_until_ready(self, **env: str) -> str:
        """Start `make run` and wait until it says so; what it has printed."""
        output = self.make_run(**env)
        deadline = time.monotonic() + READY_SECONDS
        while "Read it back" not in output.read_text():
            assert self._runs[-1].poll() is None, output.read_text()
            assert time.monotonic() < deadline, output.read_text()
            time.sleep(0.05)
        self.printed = output.read_text()
        return self.printed

    def ended(self) -> int:
        """The exit status of the last `make run`, once it has ended by itself."""
        return self._runs[-1].wait(30)

    def interrupt(self) -> None:
        """Press Ctrl-C in the terminal of `make run`, and wait for its end."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """Kill make and what shares its terminal; Redis and gunicorn live in sessions of their own."""
        self._end(signal.SIGKILL)

    def end_all(self) -> None:
        for run in self._runs:
            if run.poll() is None:
                os.killpg(run.pid, signal.SIGINT)
                run.wait(30)

    def _end(self, number: signal.Signals) -> None:
        os.killpg(self._runs[-1].pid, number)
        self._runs[-1].wait(30)

    def paste(self, heading: str) -> str:
        """The answer to the curl line that `make run` printed below `heading`."""
        line = re.search(rf"^{heading}\n  (curl .*)$", self.printed, re.MULTILINE)
        assert line, self.printed
        return self.shell(line[1]).stdout

    def shell(self, command: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Paste `command` into a terminal in the folder, with port 8000 read as the port in use."""
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
