"""`make run`: what it prints works, and what was saved is there the next time."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from dev.postgres_server import PostgresServer
from dev.redis_server import RedisServer
from dev.service import free_port
from tests.support.catalogue_rows import Catalogue
from tests.support.eventually import eventually
from tests.support.project_copy import Project


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    copy = Project.copied_to(tmp_path / "copy")
    yield copy
    copy.end_all()


def redis_is_up(project: Project) -> bool:
    return RedisServer(project.folder / "instance" / "redis").answers()


def postgres_is_up(project: Project) -> bool:
    return PostgresServer(project.folder / "instance" / "postgres").answers()


def history(project: Project) -> str:
    """What `/api/history` says to the one whose token was printed."""
    header = re.search(r"'Authorization: Bearer [^']+'", project.printed)[0]
    return project.shell(f"curl -s localhost:8000/api/history -H {header}").stdout


def can_connect(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.alone
def test_the_printed_lines_save_and_read_a_point_that_outlives_a_restart(project):
    project.run_until_ready(FLUSH_INTERVAL_SECONDS="1")
    assert project.paste("Save a point:").startswith("HTTP/1.1 204")
    saved = project.paste("Read it back:")
    assert saved.startswith("HTTP/1.1 200")
    eventually(lambda: '"videoId":"12345"' in history(project))
    project.interrupt()
    assert not redis_is_up(project)
    assert not postgres_is_up(project)

    began = time.monotonic()
    project.run_until_ready()

    assert time.monotonic() - began < 5  # the promise of a second start
    assert project.paste("Read it back:").splitlines()[-1] == saved.splitlines()[-1]


def test_the_printed_line_adds_a_demo_whose_printed_lines_and_variables_work_too(project):
    project.run_until_ready(FLUSH_INTERVAL_SECONDS="1")
    [line] = re.findall(r"^  (PORT=\d+ make seed-demo)$", project.printed, re.MULTILINE)
    del project.env["PORT"]  # the line says it
    seeded = project.shell(line)
    assert seeded.returncode == 0, seeded.stderr
    curls = re.findall(r"^  (curl .*)$", seeded.stdout, re.MULTILINE)
    again = project.shell(line)

    assert [project.shell(curl).stdout.split()[1] for curl in curls] == ["200", "200"]
    assert "nothing changed" in again.stdout
    assert re.findall(r"^  (curl .*)$", again.stdout, re.MULTILINE) == curls
    assert (project.folder / "instance" / "media" / "demo" / "quay.wav").exists()
    for secret in ("instance/demo-password", "http/.env"):
        assert (project.folder / secret).stat().st_mode & 0o077 == 0, secret

    dotenv = (project.folder / "http" / ".env").read_text()
    given = {
        name: json.loads(value) for name, value in re.findall(r"^(\w+)=(.*)$", dotenv, re.MULTILINE)
    }

    def asked(path, token, sent=""):
        bearer = f"-H 'Authorization: Bearer {given[token]}'"
        return project.shell(f"curl -s {given['address']}{path} {bearer} {sent}").stdout

    assert given["viewerEmail"] in asked(f"/v1/users/id/{given['viewer']}", "token")
    assert given["adminEmail"] in asked("/v1/users", "adminToken")
    assert given["adminEmail"] in asked(
        f"/v1/users?corporation_id={given['company']}", "serviceToken"
    )

    lesson = json.loads(asked("/v1/course", "token"))["modules"][0]["lessons"][0]
    seen = {"userId": given["viewer"], "videoId": lesson["video_id"], "currentTime": 30}
    body = json.dumps(seen | {"duration": 30})
    asked("/api/progress", "token", f"-H 'Content-Type: application/json' -d '{body}'")
    eventually(lambda: lesson["id"] in asked("/api/progress/lessons", "token"))
    dashboard = re.search(r"http://\S+/dashboard", seeded.stdout)[0]
    assert project.shell(f"curl -s -o /dev/null -w '%{{http_code}}' {dashboard}").stdout == "200"


def test_the_demo_is_added_to_what_runs_and_where_nothing_does_one_line_says_so(project):
    refused = project.shell("make seed-demo")

    assert refused.returncode != 0
    told = [line for line in refused.stderr.splitlines() if not line.startswith("make")]
    assert told == ["`make run` is not running: start it first, in another terminal"]


def test_the_smoke_test_of_rates_passes_once_there_is_a_video(project):
    project.run_until_ready()
    smoke = f"PORT={project.port} tests/smoke/videos-progress.sh"
    without = project.shell(smoke)
    with psycopg.connect(PostgresServer(project.folder / "instance" / "postgres").url) as sql:
        Catalogue(sql).video(1)
    run = project.shell(smoke)

    assert without.returncode == 1
    assert '{"error":"Video not found"} 404' in without.stderr
    assert run.returncode == 0, run.stderr
    assert len(re.findall("^ok: ", run.stdout, re.MULTILINE)) == 3


def test_a_port_that_is_taken_gives_one_clear_line(project):
    with socket.create_server(("127.0.0.1", project.port)):
        output = project.make_run()
        assert project.ended() != 0

    lines = [line for line in output.read_text().splitlines() if not line.startswith("make")]
    assert len(lines) == 1
    assert str(project.port) in lines[0]
    assert "PORT=" in lines[0]


def test_a_wrong_setting_gives_one_clear_line(project):
    (project.folder / ".env").write_text("REDIS_TIMEOUT_MS=soon\n")

    output = project.make_run()

    assert project.ended() != 0
    (line,) = [line for line in output.read_text().splitlines() if not line.startswith("make")]
    assert line.startswith("resume-service: REDIS_TIMEOUT_MS holds 'soon': it takes a whole number")


def test_two_runs_never_share_one_folder_of_data(project):
    project.run_until_ready()

    output = project.make_run(PORT=str(free_port()))

    assert project.ended() != 0
    assert "Another `make run` uses" in output.read_text()


def test_after_a_run_was_killed_the_next_one_takes_over_its_redis_and_its_data(project):
    printed = project.run_until_ready()
    project.paste("Save a point:")
    outlive = re.findall(r"(?:web|worker) started \(pid=(\d+)\)", printed)
    assert len(outlive) == 2
    project.kill()
    for process in outlive:  # gunicorn holds the port
        os.kill(int(process), signal.SIGTERM)
    eventually(lambda: not can_connect(project.port))
    assert redis_is_up(project)

    project.run_until_ready()

    assert project.paste("Read it back:").startswith("HTTP/1.1 200")
