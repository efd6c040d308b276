"""Clients that never pause do not stop the service for others, and do not delay its end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dev.service import Service
from tests.support.torture import starvation
from tests.support.torture.crowd import Crowd
from tests.support.torture.hostile_clients import HostileClients
from tests.support.torture.hostile_kinds import NEVER_PAUSING, kinds

GRACEFUL_TIMEOUT = 30
"""Seconds, as in gunicorn.conf.py. After that, the master kills its workers."""


@pytest.fixture
def attacked(tmp_path) -> Iterator[Service]:
    with starvation.direct_service(tmp_path) as service:
        yield service


@pytest.fixture
def clients(attacked) -> Iterator[HostileClients]:
    running = HostileClients(attacked.port)
    yield running
    running.stop()


@pytest.mark.parametrize("numbers", [dict.fromkeys(kinds(), 1), {"endless_chunks": 4}], ids=str)
def test_saves_of_other_viewers_continue_beside_hostile_clients(attacked, clients, numbers):
    crowd = Crowd(attacked.port, viewers=4, timeout=5.0)

    tally, counts = starvation.beside(crowd, clients, numbers, seconds=2)
    crowd.verify(tally)

    assert tally.never() == {}, tally.examples
    assert tally.seconds_503 == []
    assert tally.seen["ok"] > 20
    assert counts["connections"] >= sum(numbers.values())


def test_a_stop_signal_ends_the_service_in_time_beside_hostile_clients(attacked, clients):
    numbers = dict.fromkeys(NEVER_PAUSING, 1)

    assert starvation.seconds_to_stop(attacked, clients, numbers) < GRACEFUL_TIMEOUT
