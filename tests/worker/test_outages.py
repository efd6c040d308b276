"""The worker process waits while Redis or Postgres is down, and loses no point."""

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
    """A worker process that flushes every second."""

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

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()

    def metric(self, name: str, **labels: str) -> float:
        return metric(self.port, name, **labels)

    def cycles(self, result: str) -> float:
        """The number of cycles with this result."""
        return self.metric("resume_archive_cycles_total", result=result)

    def lines(self, event: str) -> list[dict[str, Any]]:
        """The log lines of `event`."""
        complete, _, _unfinished = self.log.read_text().rpartition("\n")
        logged = [json.loads(line) for line in complete.splitlines()]
        return [line for line in logged if line["event"] == event]


def metric(port: int, name: str, **labels: str) -> float:
    """The sum of the matching samples in `/metrics`."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        families = list(text_string_to_metric_families(answer.read().decode()))
    samples = [sample for family in families for sample in family.samples]
    return sum(s.value for s in samples if s.name == name and labels.items() <= s.labels.items())


@dataclass
class Site:
    """The service, its worker and both stores."""

    redis: RedisServer
    postgres: PostgresServer
    service: Service
    worker: Worker
    saved: dict[tuple[str, str], int] = field(default_factory=dict)
    """The last acknowledged position by user and video."""
    failed: list[int] = field(default_factory=list)
    """The statuses of failed saves."""

    @contextlib.contextmanager
    def load(self) -> Iterator[None]:
        """Viewers save points until the end of the context."""
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

    def wait_until_archived(self) -> None:
        """Wait until the archive has the last acknowledged position of each point."""
        eventually(lambda: self.archived() == self.saved, within=40)


@pytest.fixture(scope="module")
def servers(
    tmp_path_factory: pytest.TempPathFactory, postgres_servers: Callable[[], PostgresServer]
) -> Iterator[tuple[RedisServer, PostgresServer, Service, dict[str, str]]]:
    """Redis, Postgres, the service and the environment of a worker for them."""
    folder = tmp_path_factory.mktemp("site")
    postgres = postgres_servers()
    redis = RedisServer(folder / "redis", port=free_port(), config=ROOT / "deploy" / "redis.conf")
    env = {"REDIS_URL": redis.url, "DATABASE_URL": postgres.url, "JWT_SECRET": SECRET}
    # The timeout is long, because Redis shares its cores with other tests.
    service = Service(folder / "service.log", **env, REDIS_TIMEOUT_MS="450", WEB_CONCURRENCY="2")
    try:
        postgres.start()
        redis.start()
        migrate.upgrade(postgres.url)
        service.start()
        yield redis, postgres, service, env
    finally:
        for server in (service, redis, postgres):
            if server.is_running():
                server.kill()


@pytest.fixture
def site(servers, tmp_path: Path) -> Iterator[Site]:
    """Empty stores, the service and a new worker. The servers are shared by the tests."""
    redis, postgres, service, env = servers
    for store in (redis, postgres):
        if not store.is_running():  # a test failed while the store was down
            store.start()
    redis.client.flushall()
    with psycopg.connect(postgres.url) as connection:
        connection.execute("TRUNCATE watch_archive")
    worker = Worker(tmp_path / "worker.log", **env)
    try:
        worker.start()
        eventually(lambda: answers(service.port, "/readyz"))
        yield Site(redis, postgres, service, worker)
    finally:
        worker.kill()


@pytest.mark.soak
@pytest.mark.timeout(300)
def test_while_postgres_is_down_saves_succeed_and_wait_in_the_backlog(site, effort):
    with site.load():
        eventually(site.archived)
        site.postgres.kill()
        time.sleep(effort(0, 60))
        eventually(lambda: site.worker.cycles("failed") >= 2)
        eventually(lambda: len(site.saved) == VIEWERS * VIDEOS)
        backlog = site.worker.metric("resume_archive_backlog", kind="dirty")
        backlog_of_service = metric(site.service.port, "resume_archive_backlog", kind="dirty")
        lag = site.worker.metric("resume_archive_lag_seconds")
        failed_cycles = site.worker.cycles("failed")
        site.postgres.start()
        eventually(lambda: len(site.worker.lines("archive is back")) == 1, within=60)

    assert site.failed == []
    assert backlog == backlog_of_service == len(site.saved)
    assert lag > 0
    assert failed_cycles >= 2
    assert len(site.worker.lines("cycle failed")) == 1
    site.wait_until_archived()
    assert site.worker.metric("resume_archive_backlog") == 0
    assert site.worker.process.poll() is None


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_postgres_restarts_during_flushes_lose_nothing(site, effort):
    with site.load():
        for _ in range(effort(2, 30)):
            before = site.worker.metric("resume_archive_points_total", result="archived")
            eventually(
                lambda b=before: (
                    site.worker.metric("resume_archive_points_total", result="archived") > b
                ),
                within=60,
            )
            site.postgres.kill()
            site.postgres.start()

    assert site.failed == []
    site.wait_until_archived()


@pytest.mark.parametrize(
    "fault",
    [pytest.param(killed_redis, marks=pytest.mark.only_soak), frozen_redis],
    ids=["killed", "frozen"],
)
def test_the_worker_continues_after_a_redis_outage(site, fault):
    with site.load():
        eventually(site.archived)
    with fault(site.redis):
        failed = site.worker.cycles("failed")
        eventually(lambda: site.worker.cycles("failed") > failed)
    eventually(lambda: answers(site.service.port, "/readyz"))
    with site.load():
        eventually(lambda: len(site.worker.lines("archive is back")) == 1, within=30)
    site.wait_until_archived()

    assert site.worker.process.poll() is None


def test_after_flushall_the_worker_restores_all_points_within_a_cycle(site):
    with site.load():
        eventually(lambda: len(site.saved) > 100)
    site.wait_until_archived()
    site.redis.client.flushall()
    took = eventually(lambda: site.worker.lines("restored"))

    assert took < 3
    assert site.worker.lines("restored")[0]["points"] == len(site.saved)
    viewer = Viewer(site.service.port, "user-0")
    for (user, video), position in site.saved.items():
        if user == viewer.user:
            assert viewer.read(video).json["currentTime"] == position


def test_a_stopped_worker_flushes_once_more_and_exits_with_0(site):
    eventually(lambda: site.worker.cycles("done"))
    with site.load():
        eventually(lambda: len(site.saved) > 20)

    assert site.worker.stop() == 0
    assert site.archived() == site.saved


def test_without_a_database_the_worker_logs_it_and_exits_with_0():
    worker = subprocess.run(
        [sys.executable, "-m", "resume_service.worker"],
        cwd=ROOT, env={"JWT_SECRET": SECRET}, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert worker.returncode == 0
    assert "DATABASE_URL is not set" in json.loads(worker.stderr)["event"]
