"""A restart or a stop of the service drops no request that it took."""

from __future__ import annotations

import itertools
import os
import signal
import socket
import struct
import time

import pytest

from tests.support.eventually import eventually
from tests.support.gunicorn_workers import wait_for_workers, worker_of, workers
from tests.support.load_clients import BROKEN, hang_up, under_load
from tests.support.tokens import bearer

SAVE = b'{"clerkId": "ann", "tmdbId": "v", "currentTime": 10}'
THREADS = 6
AT_ONCE = 1.0
"""Seconds within which a save is answered while others are slow."""


def raw_request(user: str = "ann", body: bytes = SAVE) -> bytes:
    head = [
        b"POST /api/progress HTTP/1.1",
        b"Host: service",
        f"Authorization: {bearer(user)['Authorization']}".encode(),
        b"Content-Type: application/json",
        b"Content-Length: %d" % len(body),
    ]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def connected(service, sent: bytes = b"") -> socket.socket:
    client = socket.create_connection(("127.0.0.1", service.port), timeout=20)
    client.sendall(sent)
    return client


def reset(client: socket.socket) -> None:
    """Go away at once, as a phone that lost its network seems to: RST, no FIN."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


@pytest.mark.soak
def test_a_reload_under_load_fails_no_request(patient_stand, effort):
    viewers = [patient_stand.viewer(f"user-{number}") for number in range(THREADS)]
    statuses: list[int] = []

    def save(number: int) -> None:
        statuses.append(viewers[number].save().status)
        if number % 2:
            viewers[number].close()

    with under_load(THREADS, save):
        for _ in range(effort(2, 20)):
            before, seen = workers(patient_stand.service), len(statuses)
            patient_stand.service.signal(signal.SIGHUP)
            eventually(lambda old=before: not old & workers(patient_stand.service))
            eventually(lambda seen=seen: len(statuses) > seen)

    assert set(statuses) == {204}


class Stopping:
    """What viewers met while the service stopped."""

    def __init__(self) -> None:
        self.saves = itertools.count()
        self.answered: list[int] = []
        self.unanswered: list[tuple[str, str]] = []
        """User and video of each save whose connection ended without an answer."""

    def save(self, viewer, *, keep: bool) -> None:
        video = f"v{next(self.saves)}"
        try:
            self.answered.append(viewer.save(video).status)
        except ConnectionRefusedError:
            time.sleep(0.02)  # the client knows at once that nobody took it
        except BROKEN:
            self.unanswered.append((viewer.user, video))
        if not keep:
            viewer.close()


@pytest.mark.soak
def test_a_stop_under_load_answers_every_request_that_it_took(patient_stand, effort):
    """The kernel may let a client in while the last worker closes the door; nobody takes it then.

    That happens to fewer than one client a stop, all of whose saves were never begun; gunicorn's
    own worker resets six.
    """
    met, stops = Stopping(), effort(4, 20)

    for _ in range(stops):
        viewers = [patient_stand.viewer(f"user-{number}") for number in range(THREADS)]
        seen = len(met.answered)
        with under_load(THREADS, lambda n, v=viewers: met.save(v[n], keep=n % 2 == 0)):
            eventually(lambda seen=seen: len(met.answered) > seen + 50)
            patient_stand.service.signal(signal.SIGTERM)
            patient_stand.service.wait()
        hang_up()
        patient_stand.service.start()

    begun = [f"resume:{user}:{video}" for user, video in met.unanswered]
    assert set(met.answered) == {204}
    assert not begun or patient_stand.redis.client.exists(*begun) == 0
    assert len(met.unanswered) <= stops


@pytest.mark.soak
def test_a_stop_that_meets_a_worker_just_forked_is_heeded(stand, effort):
    """gunicorn alone loses the signal, kills the worker after 30 s, and its requests with it."""
    for attempt in range(effort(4, 60)):
        for worker in workers(stand.service):
            os.kill(worker, signal.SIGKILL)  # the master forks another at once
        time.sleep(attempt % 4 / 100)
        stand.service.signal(signal.SIGTERM)

        assert stand.service.wait(timeout=10) == 0
        stand.service.start()


def test_an_idle_connection_does_not_hold_up_a_stop(stand):
    """Browsers open connections ahead of need and send nothing on them for a while."""
    with connected(stand.service):
        stand.viewer().save()
        stand.service.signal(signal.SIGTERM)

        assert stand.service.wait(timeout=10) == 0


def test_viewers_that_go_away_mid_request_leave_nothing_half_written(stand):
    whole = raw_request()
    for length in (20, len(whole) - len(SAVE), len(whole) - 1) * 10:
        reset(connected(stand.service, whole[:length]))
    for _ in range(30):
        reset(connected(stand.service, whole.replace(b'"v"', b'"w"')))

    assert stand.viewer("bob").save().status == 204
    with stand.redis.client.pipeline() as at_one_moment:  # some of it may be saved only now
        at_one_moment.keys("resume:ann:*").zrange("recent:ann", 0, -1)
        hashes, index = at_one_moment.execute()
    assert set(hashes) <= {"resume:ann:w"}
    assert [f"resume:ann:{video}" for video in index] == hashes


def test_a_body_that_drips_in_is_saved_while_others_save_on(stand):
    whole = raw_request()
    bob = stand.viewer("bob")
    slowest = 0.0

    with connected(stand.service, whole[: -len(SAVE)]) as dripping:
        for byte in SAVE:
            dripping.sendall(bytes([byte]))
            slowest = max(slowest, bob.save().seconds)
        answer = dripping.recv(4096)

    assert answer.startswith(b"HTTP/1.1 204")
    assert stand.viewer("ann").read().json["currentTime"] == 10
    assert slowest < AT_ONCE


def test_a_worker_killed_mid_request_is_replaced_and_the_others_serve_on(stand):
    before = wait_for_workers(stand.service, 2)
    with connected(stand.service, raw_request()[:-1]) as cut_off:
        eventually(lambda: worker_of(stand.service, cut_off))
        victim = worker_of(stand.service, cut_off)
        os.kill(victim, signal.SIGKILL)
        eventually(lambda: victim not in workers(stand.service))  # until then it serves on
        statuses = {stand.viewer("bob").save().status for _ in range(20)}
        eventually(lambda: len(workers(stand.service)) == 2)

    assert statuses == {204}
    assert before - {victim} <= workers(stand.service)
