"""Every command of the README works when pasted, and every file it names is there."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from dev.service import ROOT
from tests.support.project_copy import Project

README = (ROOT / "README.md").read_text()
COMMANDS = [
    line
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
]
TRIED_ELSEWHERE = {
    "make run": "by every test here that uses `running`",
    "make test": "by this run",
    "docker compose up --build": "as far as possible without a Docker engine: test_deploy.py",
}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    project = Project.copied_to(tmp_path_factory.mktemp("readme") / "copy")
    try:
        project.run_until_ready()
        yield project
    finally:
        project.end_all()


def test_the_calls_of_the_readme_work_in_their_order(running):
    calls = [command for command in COMMANDS if command not in TRIED_ELSEWHERE]

    answered = running.shell("\n".join(["set -eu", *calls]))

    assert answered.returncode == 0, answered.stderr
    statuses = ["204", "200", "200", "204", "200"]
    assert re.findall(r"HTTP/1.1 (\d+)", answered.stdout) == statuses
    assert '"currentTime":3600' in answered.stdout
    assert "[{" in answered.stdout
    assert '"name":"The Long Ferry"' in answered.stdout


def test_every_command_of_the_readme_is_tried_somewhere():
    calls = {
        command for command in COMMANDS if command.startswith(("TOKEN=", "curl ", "make seed-demo"))
    }

    assert set(COMMANDS) == calls | set(TRIED_ELSEWHERE)


def test_a_point_can_be_saved_on_another_port_as_the_readme_says(running):
    assert "PORT=8001 make run" in README
    assert f"http://127.0.0.1:{running.port}" in running.printed


PLACES = (ROOT, ROOT / "resume_service")
FILES = set(re.findall(r"`([\w.][\w./-]*/[\w./-]*|[\w-]+\.\w+)`", README)) - {
    "application/json",
    "text/plain",
}


@pytest.mark.parametrize("path", sorted(FILES))
def test_every_file_the_readme_names_is_there(path):
    made_by_make_run = path.startswith("instance/")

    assert made_by_make_run or any((place / path).exists() for place in PLACES)
