"""The README's first commands in a fresh clone, on a machine with Python and make only."""

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

OTHER_USER = 65534
"""The id of a user without rights, by convention on Linux."""
TOOLS = ("make", "sh", "bash", "env", "cat", "curl", "touch", "grep", "sed", "expand")


@pytest.fixture(params=["this user", "another user"])
def clone(request: pytest.FixtureRequest) -> Iterator[Project]:
    """A fresh clone that belongs to its user, with only TOOLS and Python on the PATH."""
    home = Path(tempfile.mkdtemp(prefix="newcomer-"))  # other users can't read tmp_path
    home.chmod(0o755)
    (home / "bin").mkdir()
    # Other users can't run a Python in the home of root.
    python = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else shutil.which("python3")
    for name, target in [("python3", python), *((tool, shutil.which(tool)) for tool in TOOLS)]:
        (home / "bin" / name).symlink_to(target)
    subprocess.run(["git", "clone", "--quiet", ROOT, home / "clone"], check=True)
    user = OTHER_USER if request.param == "another user" else None
    if user is not None:
        if os.getuid() != 0:
            pytest.skip("only root can run it as another user; this run is not by root anyway")
        subprocess.run(["chown", "-R", f"{user}:{user}", home], check=True)
    project = Project(home / "clone", user)
    project.env |= {"PATH": str(home / "bin"), "HOME": str(home)}
    yield project
    project.stop()
    shutil.rmtree(home)


def test_a_saved_point_survives_ctrl_c_and_another_make_run(clone):
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


def test_make_test_installs_what_it_needs_and_runs(clone):
    """Two files are enough here: the gate runs the whole suite."""
    clone.env["TESTS"] = "tests/settings/test_settings.py tests/resume/test_order.py"

    ended = clone.shell("make test", timeout=600)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert " passed" in ended.stdout
