"""The README: its commands work when pasted, and the files that it names exist."""

from __future__ import annotations

import re

import pytest

from dev.service import ROOT

README = (ROOT / "README.md").read_text()
COMMANDS = [
    line
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
]
TESTED_ELSEWHERE = {
    "make run": "by every test that uses `running_project`",
    "make test": "by this run",
    "docker compose up --build": "as far as possible without a Docker engine: test_deploy.py",
}


def test_the_commands_of_the_readme_work_in_their_order(running_project):
    calls = [command for command in COMMANDS if command not in TESTED_ELSEWHERE]

    ended = running_project.shell("\n".join(["set -eu", *calls]))

    assert ended.returncode == 0, ended.stderr
    statuses = ["204", "200", "200", "204", "200"]
    assert re.findall(r"HTTP/1.1 (\d+)", ended.stdout) == statuses
    assert '"currentTime":3600' in ended.stdout
    assert "[{" in ended.stdout
    assert '"name":"The Long Ferry"' in ended.stdout


def test_every_command_of_the_readme_is_tested():
    calls = {
        command for command in COMMANDS if command.startswith(("TOKEN=", "curl ", "make seed-demo"))
    }

    assert set(COMMANDS) == calls | set(TESTED_ELSEWHERE)


def test_make_run_uses_another_port_as_the_readme_says(running_project):
    assert "PORT=8001 make run" in README
    assert f"http://127.0.0.1:{running_project.port}" in running_project.printed


PLACES = (ROOT, ROOT / "resume_service")
FILES = set(re.findall(r"`([\w.][\w./-]*/[\w./-]*|[\w-]+\.\w+)`", README)) - {
    "application/json",
    "text/plain",
}


@pytest.mark.parametrize("path", sorted(FILES))
def test_each_file_that_the_readme_names_exists(path):
    is_made_by_make_run = path.startswith("instance/")

    assert is_made_by_make_run or any((place / path).exists() for place in PLACES)
