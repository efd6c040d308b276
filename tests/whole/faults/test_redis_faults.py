"""A Redis that fails is told within a second, and forgotten within two of its return."""

from __future__ import annotations

import time

import pytest

from tests.support.eventually import eventually
from tests.support.load_clients import Answer, under_load
from tests.support.redis_faults import OUT_OF_REACH, REFUSING_WRITES, frozen, killed

OPERATIONS = ("save", "read", "list", "delete")
WHILE_SECONDS = 0.7
"""Longer than the gate stays shut, so that it is tried again while the fault lasts."""
SOONEST_ANSWER = 1.0
RECOVERY = 2.0


def answers_for(seconds: float, stand) -> list[Answer]:
    """What viewers on new connections are told, one after another."""
    end = time.monotonic() + seconds
    viewer = stand.viewer()
    answers = []
    while time.monotonic() < end:
        for operation in OPERATIONS:
            answers.append(getattr(viewer, operation)())
            viewer.close()
    return answers


def is_try_again(answer: Answer) -> bool:
    return (
        answer.status == 503
        and int(answer.headers["Retry-After"]) > 0
        and answer.json == {"error": "Temporarily unavailable, try again"}
    )


def faults_of(answers: list[Answer]) -> list[Answer]:
    """The answers that break the promise to say `try again` in time."""
    return [a for a in answers if not is_try_again(a) or a.seconds > SOONEST_ANSWER]


@pytest.mark.parametrize("breakage", OUT_OF_REACH, ids=lambda each: each.__name__)
def test_a_redis_out_of_reach_is_told_at_once_and_forgotten_when_it_is_back(calm, breakage):
    viewer = calm.viewer()
    eventually(lambda: viewer.save("kept", 42).status == 204)
    before = viewer.read("kept").json

    with breakage(calm.redis):
        answers = answers_for(WHILE_SECONDS, calm)
        health = viewer.ask("GET", "/healthz")

    assert faults_of(answers) == []
    assert health.status == 200
    eventually(calm.everyone_can_save, within=RECOVERY)
    eventually(lambda: viewer.read("kept").json == before, within=RECOVERY)


@pytest.mark.parametrize("breakage", REFUSING_WRITES, ids=lambda each: each.__name__)
def test_a_redis_that_takes_no_writes_still_answers_reads(calm, breakage):
    assert calm.viewer().save("kept", 42).status == 204
    everything = contents(calm.redis.client)

    with breakage(calm.redis):
        saves = [calm.viewer().save(video, 43) for video in ("kept", "new", "kept")]
        read, listed = calm.viewer().read("kept"), calm.viewer().list()

    assert faults_of(saves) == []
    assert read.json["currentTime"] == 42
    assert [point["tmdbId"] for point in listed.json] == ["kept"]
    assert contents(calm.redis.client) == everything
    eventually(calm.everyone_can_save, within=RECOVERY)


@pytest.mark.alone
@pytest.mark.parametrize("cause", [frozen, killed], ids=lambda each: each.__name__)
def test_64_viewers_at_once_are_all_told_within_a_second(calm, cause):
    """None may wait behind others that wait for Redis.

    They are asked from one thread: what 64 took for themselves would count as the service's time.
    """
    viewers = [calm.viewer(f"user-{number}") for number in range(64)]
    health, saves = [], []

    with cause(calm.redis):
        for _ in range(8):
            checking = [viewer.asking("GET", "/healthz") for viewer in viewers[:4]]
            saving = [viewer.saving() for viewer in viewers[4:]]
            health += [answer() for answer in checking]
            saves += [answer() for answer in saving]

    assert faults_of(saves) == []
    assert [a for a in health if a.status != 200 or a.seconds > SOONEST_ANSWER] == []
    eventually(calm.everyone_can_save, within=RECOVERY)


@pytest.mark.alone
def test_flushing_the_scripts_of_a_redis_under_load_fails_no_save(calm):
    viewers = [calm.viewer(f"user-{number}") for number in range(4)]
    statuses: list[int] = []

    with under_load(4, lambda n: statuses.append(viewers[n].save().status)):
        for flush in range(10):
            calm.redis.client.script_flush()
            eventually(lambda seen=20 * flush: len(statuses) > seen)

    assert set(statuses) == {204}


def contents(client) -> dict[str, bytes]:
    """Every key with what it holds, expiry aside."""
    readers = {"hash": client.hgetall, "zset": lambda k: client.zrange(k, 0, -1, withscores=True)}
    return {key: readers[client.type(key)](key) for key in sorted(client.scan_iter())}
