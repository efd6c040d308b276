"""The README's first commands in a fresh clone, on a machine with only Python and make."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.service import ROOT
from tests.support.project_copy import Project

pytestmark = [pytest.mark.newcomer, pytest.mark.timeout(900)]

NOBODY = 65534
TOOLS = ("make", "sh", "bash", "env", "cat", "curl", "touch", "grep", "sed", "expand")


@pytest.fixture(params=["this user", "nobody"])
def clone(request: pytest.FixtureRequest) -> Iterator[Project]:
    """A fresh clone, owned by the one who runs it, and a PATH with nothing else on it."""
    # /usr/bin's Python, because a root's own one is closed to others.
    home = Path(tempfile.mkdtemp(prefix="newcomer-"))  # where others may look, unlike tmp_path
    home.chmod(0o755)
    (home / "bin").mkdir()
    python = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else shutil.which("python3")
    for name, target in [("python3", python), *((tool, shutil.which(tool)) for tool in TOOLS)]:
        (home / "bin" / name).symlink_to(target)
    subprocess.run(["git", "clone", "--quiet", ROOT, home / "clone"], check=True)
    user = NOBODY if request.param == "nobody" else None
    if user is not None:
        if os.getuid() != 0:
            pytest.skip("only root can run it as somebody else; this run is not by root anyway")
        subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", home], check=True)
    project = Project(home / "clone", user)
    project.env |= {"PATH": str(home / "bin"), "HOME": str(home)}
    yield project
    project.end_all()
    shutil.rmtree(home)


def test_make_run_saves_a_point_that_is_there_after_ctrl_c_and_make_run_again(clone):
    assert clone.shell("command -v redis-server").stdout == ""

    clone.run_until_ready()
    saved = clone.paste("Save a point:")
    read = clone.paste("Read it back:")
    clone.interrupt()
    clone.run_until_ready()
    read_again = clone.paste("Read it back:")

    assert saved.startswith("HTTP/1.1 204")
    assert read.startswith("HTTP/1.1 200")
    assert '"currentTime":60,' in read
    assert read_again.splitlines()[-1] == read.splitlines()[-1]


def test_make_test_sets_itself_up_and_runs(clone):
    """The whole of it runs in the gate itself; here, that the set-up is all it needs."""
    clone.env["TESTS"] = "tests/settings/test_settings.py tests/resume/test_order.py"

    ended = clone.shell("make test", timeout=600)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert " passed" in ended.stdout
