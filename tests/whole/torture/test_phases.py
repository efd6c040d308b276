"""Fifty viewers check each response while faults and hostile clients attack the service."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.torture.crowd import Crowd
from tests.support.torture.hostile_clients import HostileClients
from tests.support.torture.phases import PHASES, Torture
from tests.support.torture.stack import TortureStack, torture_stack
from tests.support.torture.tally import HEADER

SECONDS = 18.0
"""Seconds of one phase. With the checks after each phase, all take eight minutes."""
HOSTILE = (0, 2)
"""Numbers of hostile clients of each kind."""
SLACK = 1.5
"""Seconds. The limit is 1 s. The rest is for a machine that the attackers keep busy."""


def tortured(stack: TortureStack) -> Iterator[Torture]:
    clients = HostileClients(stack.service.port)
    yield Torture(stack, Crowd(stack.service.port), clients)
    clients.stop()


@pytest.fixture
def all_at_once(torture) -> Iterator[Torture]:
    yield from tortured(torture)


@pytest.fixture
def own_torture(tmp_path) -> Iterator[Torture]:
    with torture_stack(tmp_path) as stack:
        yield from tortured(stack)


def test_under_all_faults_each_viewer_gets_only_its_own_points(all_at_once):
    tally = all_at_once.run("all faults", 3, hostile=1)

    assert all_at_once.unexplained("all faults", tally) == {}, tally.examples
    assert tally.seen["ok"] > 50


@pytest.mark.torture
@pytest.mark.timeout(1800)
def test_eight_minutes_of_faults_and_hostile_clients(own_torture):
    failed, slow = {}, {}
    print(f"\n{HEADER}")  # noqa: T201 - the table is the result
    for hostile in HOSTILE:
        for phase in PHASES:
            name = f"{phase}, {hostile} hostile of each"
            tally = own_torture.run(phase, SECONDS, hostile)
            print(tally.row(name), flush=True)  # noqa: T201 - likewise
            if unexplained := own_torture.unexplained(phase, tally):
                failed[name] = unexplained
                print(*tally.examples, sep="\n")  # noqa: T201 - likewise
            if tally.slowest > SLACK:
                slow[name] = tally.slowest

    assert failed == {}
    assert slow == {}
