"""The worker as it runs, while one of its two stores is down: it waits, and loses nothing."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from dev.postgres_server import PostgresServer
from dev.redis_server import RedisServer
from dev.service import ROOT, Service, answers, free_port
from resume_service.postgres import migrate
from tests.support.eventually import eventually
from tests.support.load_clients import Viewer, under_load
from tests.support.redis_faults import frozen as frozen_redis
from tests.support.redis_faults import killed as killed_redis
from tests.support.tokens import SECRET

VIEWERS = 4
VIDEOS = 50


class Worker:
    """A worker that flushes every second."""

    def __init__(self, log: Path, **env: str) -> None:
        self.port = free_port()
        self.log = log
        self._env = env | {"FLUSH_INTERVAL_SECONDS": "1", "WORKER_PORT": str(self.port)}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "resume_service.worker", "--host", "127.0.0.1"],
                cwd=ROOT, env=self._env, stdout=log, stderr=log,
            )  # fmt: skip
        eventually(lambda: answers(self.port, "/healthz"), within=30)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def figure(self, name: str, **labels: str) -> float:
        return figure(self.port, name, **labels)

    def lines(self, event: str) -> list[dict[str, Any]]:
        whole, _, _unfinished = self.log.read_text().rpartition("\n")
        logged = [json.loads(line) for line in whole.splitlines()]
        return [line for line in logged if line["event"] == event]


def figure(port: int, name: str, **labels: str) -> float:
    """What `/metrics` of a process says; 0 where it says nothing."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        families = list(text_string_to_metric_families(answer.read().decode()))
    samples = [sample for family in families for sample in family.samples]
    return sum(s.value for s in samples if s.name == name and labels.items() <= s.labels.items())


@dataclass
class Site:
    """The service, its worker and both stores, each of them the test's own."""

    redis: RedisServer
    postgres: PostgresServer
    service: Service
    worker: Worker
    saved: dict[tuple[str, str], int] = field(default_factory=dict)
    """The last position that was acknowledged."""
    failed: list[int] = field(default_factory=list)
    """Statuses of saves that were not."""

    @contextlib.contextmanager
    def load(self) -> Iterator[None]:
        viewers = [Viewer(self.service.port, f"user-{n}") for n in range(VIEWERS)]
        sent = [0] * VIEWERS

        def step(number: int) -> None:
            sent[number] += 1
            video = f"v{sent[number] % VIDEOS}"
            status = viewers[number].save(video, sent[number]).status
            if status == 204:
                self.saved[viewers[number].user, video] = sent[number]
            else:
                self.failed.append(status)
            time.sleep(0.002)

        with under_load(VIEWERS, step):
            yield

    def archived(self) -> dict[tuple[str, str], int]:
        with psycopg.connect(self.postgres.url) as connection:
            rows = connection.execute("SELECT user_id, video_id, position FROM watch_archive")
            return {(user, video): int(position) for user, video, position in rows}

    def becomes_archived(self, within: float = 40) -> None:
        eventually(lambda: self.archived() == self.saved, within=within)


@pytest.fixture
def site(tmp_path: Path, postgres_servers: Callable[[], PostgresServer]) -> Iterator[Site]:
    postgres = postgres_servers()
    redis = RedisServer(tmp_path / "redis", port=free_port(), config=ROOT / "deploy" / "redis.conf")
    postgres.start()
    redis.start()
    migrate.upgrade(postgres.url)
    env = {"REDIS_URL": redis.url, "DATABASE_URL": postgres.url, "JWT_SECRET": SECRET}
    patient = {"REDIS_TIMEOUT_MS": "450"}  # with a Redis that shares its cores with much else
    service = Service(tmp_path / "service.log", **env, **patient, WEB_CONCURRENCY="2")
    worker = Worker(tmp_path / "worker.log", **env)
    try:
        service.start()
        worker.start()
        yield Site(redis, postgres, service, worker)
    finally:
        service.kill()
        if worker.process:
            worker.process.kill()
            worker.process.wait()
        for server in (redis, postgres):
            if server.is_running():
                server.kill()


@pytest.mark.soak
@pytest.mark.timeout(300)
def test_while_postgres_is_down_no_save_fails_and_the_backlog_shows_and_drains(site, effort):
    with site.load():
        eventually(site.archived)
        site.postgres.kill()
        time.sleep(effort(0, 60))
        eventually(lambda: site.worker.figure("resume_archive_cycles_total", result="failed") >= 2)
        eventually(lambda: len(site.saved) == VIEWERS * VIDEOS)
        backlog = site.worker.figure("resume_archive_backlog", kind="dirty")
        seen_by_the_service = figure(site.service.port, "resume_archive_backlog", kind="dirty")
        lag = site.worker.figure("resume_archive_lag_seconds")
        failed_cycles = site.worker.figure("resume_archive_cycles_total", result="failed")
        site.postgres.start()
        eventually(lambda: len(site.worker.lines("archive is back")) == 1, within=60)

    assert site.failed == []
    assert backlog == seen_by_the_service == len(site.saved)
    assert lag > 0
    assert failed_cycles >= 2
    assert len(site.worker.lines("cycle failed")) == 1
    site.becomes_archived()
    assert site.worker.figure("resume_archive_backlog") == 0
    assert site.worker.process.poll() is None


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_postgres_restarted_in_the_middle_of_batches_loses_nothing(site, effort):
    with site.load():
        for _ in range(effort(3, 30)):
            before = site.worker.figure("resume_archive_points_total", result="archived")
            eventually(
                lambda b=before: (
                    site.worker.figure("resume_archive_points_total", result="archived") > b
                ),
                within=60,
            )
            site.postgres.kill()
            site.postgres.start()

    assert site.failed == []
    site.becomes_archived()


@pytest.mark.parametrize("breakage", [killed_redis, frozen_redis], ids=lambda each: each.__name__)
def test_while_redis_is_down_the_worker_waits_and_then_goes_on(site, breakage):
    with site.load():
        eventually(site.archived)
    with breakage(site.redis):
        failed = site.worker.figure("resume_archive_cycles_total", result="failed")
        eventually(
            lambda: site.worker.figure("resume_archive_cycles_total", result="failed") > failed
        )
    eventually(lambda: answers(site.service.port, "/readyz"))
    with site.load():
        eventually(lambda: len(site.worker.lines("archive is back")) == 1, within=30)
    site.becomes_archived()

    assert site.worker.process.poll() is None


def test_after_flushall_the_worker_brings_all_points_back_within_a_cycle(site):
    with site.load():
        eventually(lambda: len(site.saved) > 100)
    site.becomes_archived()
    site.redis.client.flushall()
    took = eventually(lambda: site.worker.lines("restored"))

    assert took < 3
    assert site.worker.lines("restored")[0]["points"] == len(site.saved)
    viewer = Viewer(site.service.port, "user-0")
    for (user, video), position in site.saved.items():
        if user == viewer.user:
            assert viewer.read(video).json["currentTime"] == position


def test_a_worker_told_to_stop_flushes_once_more_and_exits_with_0(site):
    eventually(lambda: site.worker.figure("resume_archive_cycles_total", result="done"))
    with site.load():
        eventually(lambda: len(site.saved) > 20)

    assert site.worker.stop() == 0
    assert site.archived() == site.saved


def test_without_a_database_the_worker_says_so_and_exits_with_0():
    ended = subprocess.run(
        [sys.executable, "-m", "resume_service.worker"],
        cwd=ROOT, env={"JWT_SECRET": SECRET}, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert ended.returncode == 0
    assert "DATABASE_URL is not set" in json.loads(ended.stderr)["event"]
