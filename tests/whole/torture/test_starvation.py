"""Clients that never pause do not stop the service for others, and do not delay its end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dev.service import Service
from tests.support.long_timeouts import LONG_TIMEOUT_ENV
from tests.support.torture import starvation
from tests.support.torture.crowd import Crowd
from tests.support.torture.hostile_clients import HostileClients
from tests.support.torture.hostile_kinds import NEVER_PAUSING, some_of_each

GRACEFUL_TIMEOUT = 30
"""Seconds, as in gunicorn.conf.py. After that, the master kills its workers."""


@pytest.fixture
def attacked(tmp_path) -> Iterator[Service]:
    with starvation.direct_service(tmp_path, **LONG_TIMEOUT_ENV) as service:
        yield service


@pytest.fixture
def clients(attacked) -> Iterator[HostileClients]:
    running = HostileClients(attacked.port)
    yield running
    running.stop()


def test_saves_of_other_viewers_continue_beside_hostile_clients(attacked, clients):
    """One client of a kind is enough to stop a worker that does not take turns."""
    crowd = Crowd(attacked.port, viewers=4, timeout=20.0)

    tally, counts = starvation.beside(crowd, clients, some_of_each(), seconds=2)
    crowd.verify(tally)

    assert tally.never() == {}, tally.examples
    assert tally.seconds_503 == []
    assert tally.seen["ok"] > 20
    assert counts["connections"] >= len(some_of_each())


def test_a_stop_signal_ends_the_service_in_time_beside_hostile_clients(attacked, clients):
    numbers = dict.fromkeys(NEVER_PAUSING, 1)

    assert starvation.seconds_to_stop(attacked, clients, numbers) < GRACEFUL_TIMEOUT
