"""`make run`: the printed commands work, and saved points survive a restart."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import time

import pytest

from dev.postgres_server import PostgresServer
from dev.redis_server import RedisServer
from dev.service import free_port
from tests.support.eventually import eventually
from tests.support.project_copy import Project

SECOND_START_SECONDS = 5.0
"""The promise for each start of `make run` after the first."""


def redis_is_up(project: Project) -> bool:
    return RedisServer(project.folder / "instance" / "redis").answers()


def postgres_is_up(project: Project) -> bool:
    return PostgresServer(project.folder / "instance" / "postgres").answers()


def history(project: Project) -> str:
    """The response of `/api/history` for the printed token."""
    header = re.search(r"'Authorization: Bearer [^']+'", project.printed)[0]
    return project.shell(f"curl -s localhost:8000/api/history -H {header}").stdout


def can_connect(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_the_printed_commands_save_read_and_archive_a_point(running_project):
    assert running_project.paste("Save a point:").startswith("HTTP/1.1 204")
    assert running_project.paste("Read it back:").startswith("HTTP/1.1 200")
    eventually(lambda: '"videoId":"12345"' in history(running_project))


@pytest.fixture
def stopped_project(running_project) -> tuple[Project, str]:
    """A project after Ctrl-C, and the point that it returned before."""
    running_project.paste("Save a point:")
    point = running_project.paste("Read it back:").splitlines()[-1]
    running_project.interrupt()
    return running_project, point


@pytest.mark.alone
def test_a_restart_takes_under_5_seconds_and_keeps_the_point(stopped_project):
    project, point = stopped_project
    assert not redis_is_up(project)
    assert not postgres_is_up(project)

    started = time.monotonic()
    project.run_until_ready()

    assert time.monotonic() - started < SECOND_START_SECONDS
    assert '"currentTime":60' in point
    assert project.paste("Read it back:").splitlines()[-1] == point


def test_the_demo_accounts_and_commands_work(running_project):
    project = running_project
    [seed_demo] = re.findall(r"^  (PORT=\d+ make seed-demo)$", project.printed, re.MULTILINE)
    seeded, again = (project.shell(f"unset PORT; {seed_demo}") for _ in range(2))
    assert seeded.returncode == 0, seeded.stderr
    curls = re.findall(r"^  (curl .*)$", seeded.stdout, re.MULTILINE)

    assert [project.shell(curl).stdout.split()[1] for curl in curls] == ["200", "200"]
    assert "nothing changed" in again.stdout
    assert re.findall(r"^  (curl .*)$", again.stdout, re.MULTILINE) == curls
    assert (project.folder / "instance" / "media" / "demo" / "quay.webm").exists()
    for secret in ("instance/demo-password", "http/.env"):
        assert (project.folder / secret).stat().st_mode & 0o077 == 0, secret

    dotenv = (project.folder / "http" / ".env").read_text()
    lines = re.findall(r"^(\w+)=(.*)$", dotenv, re.MULTILINE)
    variables = {name: json.loads(value) for name, value in lines}

    def ask(path, token, options=""):
        bearer = f"-H 'Authorization: Bearer {variables[token]}'"
        return project.shell(f"curl -s {variables['address']}{path} {bearer} {options}").stdout

    assert variables["viewerEmail"] in ask(f"/v1/users/id/{variables['viewer']}", "token")
    assert variables["adminEmail"] in ask("/v1/users", "adminToken")
    users = f"/v1/users?corporation_id={variables['company']}"
    assert variables["adminEmail"] in ask(users, "serviceToken")

    lesson = json.loads(ask("/v1/course", "token"))["modules"][0]["lessons"][0]
    point = {"userId": variables["viewer"], "videoId": lesson["video_id"]}
    body = json.dumps(point | {"currentTime": 30, "duration": 30})
    ask("/api/progress", "token", f"-H 'Content-Type: application/json' -d '{body}'")
    eventually(lambda: lesson["id"] in ask("/api/progress/lessons", "token"))
    dashboard = re.search(r"http://\S+/dashboard", seeded.stdout)[0]
    assert project.shell(f"curl -s -o /dev/null -w '%{{http_code}}' {dashboard}").stdout == "200"


def test_seed_demo_without_make_run_prints_one_line(project):
    refused = project.shell("make seed-demo")

    assert refused.returncode != 0
    printed = [line for line in refused.stderr.splitlines() if not line.startswith("make")]
    assert printed == ["`make run` is not running: start it first, in another terminal"]


def test_a_used_port_gives_one_clear_line(project):
    with socket.create_server(("127.0.0.1", project.port)):
        [line] = project.failed_run()

    assert str(project.port) in line
    assert "PORT=" in line


def test_a_wrong_setting_gives_one_clear_line(project):
    (project.folder / ".env").write_text("REDIS_TIMEOUT_MS=soon\n")

    [line] = project.failed_run()

    assert line.startswith("resume-service: REDIS_TIMEOUT_MS holds 'soon': it takes a whole number")


def test_a_second_run_in_the_same_folder_fails(running_project):
    """Two Redis servers on one folder would damage its data."""
    [line] = running_project.failed_run(PORT=str(free_port()))

    assert "Another `make run` uses" in line


def test_after_a_kill_the_next_run_has_the_same_points(running_project):
    project = running_project
    project.paste("Save a point:")
    processes = re.findall(r"(?:web|worker) started \(pid=(\d+)\)", project.printed)
    assert len(processes) == 2
    project.kill()
    for process in processes:  # gunicorn still has the port
        os.kill(int(process), signal.SIGTERM)
    eventually(lambda: not can_connect(project.port))
    assert redis_is_up(project)

    project.run_until_ready()

    assert project.paste("Read it back:").startswith("HTTP/1.1 200")
