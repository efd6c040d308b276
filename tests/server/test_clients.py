"""Clients that take too long, and those that make room for others."""

from __future__ import annotations

import time

import pytest

from resume_service.server import limits
from resume_service.server.clients import Clients

LATE = 1.0


class Client:
    is_idle = True

    def __init__(self, name, log):
        self.name = name
        self.log = log

    def give_up(self):
        self.log.append(f"{self.name} closed")

    def end_late(self):
        self.log.append(f"{self.name} ended")


@pytest.fixture
def log():
    return []


@pytest.fixture
def clients(monkeypatch):
    for name in ("REQUEST_SECONDS", "IDLE_SECONDS", "SEND_SECONDS"):
        monkeypatch.setattr(limits, name, LATE)
    return Clients()


@pytest.mark.parametrize(
    ("wait", "end"), [("receiving", "ended"), ("waiting", "closed"), ("sending", "closed")]
)
def test_only_clients_that_take_too_long_end_the_oldest_first(clients, log, wait, end):
    now = time.monotonic()
    ages = {"first": 3 * LATE, "second": 2 * LATE, "recent": 0.0}
    getattr(clients, wait).update({Client(name, log): now - age for name, age in ages.items()})

    clients.sweep()

    assert log == [f"first {end}", f"second {end}"]


def test_each_late_request_ends_only_once(clients, log):
    clients.receiving[Client("late", log)] = time.monotonic() - 2 * LATE

    clients.sweep()
    clients.sweep()

    assert log == ["late ended"]


def test_client_that_waits_longest_makes_room_first(clients, log):
    for name in ("first", "second"):
        clients.waiting[Client(name, log)] = clients.now

    assert clients.close_longest_waiting()
    assert clients.close_longest_waiting()
    assert not clients.close_longest_waiting()
    assert log == ["first closed", "second closed"]


def test_only_clients_that_have_not_started_a_request_are_closed_as_idle(clients, log):
    busy, idle = Client("busy", log), Client("idle", log)
    busy.is_idle = False
    clients.waiting.update({busy: clients.now, idle: clients.now})

    clients.close_idle()

    assert log == ["idle closed"]
