"""The script publishes a change only while the viewer has an open stream, on each kind of Redis."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import redis

from resume_service.live.leases import Leases, LeaseState
from resume_service.redis.operation import run
from resume_service.redis.router import RedisRouter
from resume_service.redis.servers import OneServer
from resume_service.redis.subscription import Subscription
from resume_service.resume.model import ArchivedPoint, EventType, Mark, Measurement
from tests.support.eventually import eventually
from tests.support.fixtures.servers import REAL_SERVERS
from tests.support.resume_stores import resume_store

NOW = 1_796_000_000_000
LEASE = ("live:ann", "process:1")


@pytest.fixture(params=REAL_SERVERS)
def server(request, redis_servers) -> redis.Redis:
    client = redis_servers(request.param).client
    client.flushall()
    client.config_resetstat()
    return client


@pytest.fixture
def leases(server) -> Leases:
    return Leases(RedisRouter(OneServer(server)))


@pytest.fixture
def received(server):
    """The messages of ann's channel, and of others."""
    messages = []
    lost = []
    subscription = Subscription(
        server, 2.0, lambda *message: messages.append(message), lambda: lost.append(True)
    )
    subscription.subscribe(["live:ann", "live:bob"])
    yield messages
    assert not lost
    subscription.close()


def published(server) -> int:
    stats = server.info("commandstats")
    return sum(
        stats.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in ("publish", "spublish")
    )


def a_save(user="ann", video="v1", position=10.0, at=NOW) -> Measurement:
    return Measurement(user, video, at, position, 5400)


def arrive(messages, count) -> list:
    eventually(lambda: len(messages) >= count)
    return messages


def test_no_command_publishes_without_a_stream(server):
    points = resume_store(server, max_points=2)
    for number in range(4):
        points.save(a_save(video=f"v{number}", at=NOW + number))
    for number, kind in enumerate(EventType):
        if kind not in (EventType.SAVE, EventType.RATE):
            points.mark(Mark("ann", "v3", NOW + 10 + number, kind))

    assert published(server) == 0


def test_each_change_is_published_while_a_stream_is_open(server, leases, received):
    points = resume_store(server)
    run(leases.add(LEASE))
    points.save(a_save())
    points.save(a_save(position=20.0, at=NOW + 1))
    points.mark(Mark("ann", "v1", NOW + 2, EventType.WATCHED))
    points.delete(Mark("ann", "v1", NOW + 3, EventType.DELETE))
    points.save(a_save("bob"))

    assert arrive(received, 4) == [("live:ann", "v1")] * 4
    assert published(server) == 4


def test_a_point_that_the_limit_removes_is_published(server, leases, received):
    points = resume_store(server, max_points=1)
    points.save(a_save(video="v1"))
    run(leases.add(LEASE))
    points.save(a_save(video="v2", at=NOW + 1))

    assert sorted(arrive(received, 2)) == [("live:ann", "v1"), ("live:ann", "v2")]


def test_an_event_that_changes_nothing_is_not_published(server, leases):
    points = resume_store(server)
    points.save(a_save())
    run(leases.add(LEASE))
    points.save(Measurement("ann", "v1", NOW, 5, 5400, age_ms=10_000))
    points.mark(Mark("ann", "v1", NOW, EventType.DISMISSED, age_ms=5000))
    points.delete(Mark("ann", "v2", NOW, EventType.DELETE))

    assert published(server) == 0


def test_a_user_may_have_eight_streams(leases):
    assert all(run(leases.add(("live:ann", f"process:{n}"))) for n in range(8))

    assert not run(leases.add(("live:ann", "another process:1")))
    assert run(leases.add(("live:bob", "another process:1")))
    run(leases.remove(("live:ann", "process:3")))
    assert run(leases.add(("live:ann", "another process:1")))


def test_a_renewal_says_whether_the_lease_was_lost(server, leases):
    run(leases.add(LEASE))

    assert run(leases.renew([LEASE])) == [LeaseState.RENEWED]
    server.flushall()
    assert run(leases.renew([LEASE])) == [LeaseState.NEW]


def test_the_lease_of_a_killed_process_ends(server, leases):
    run(leases.add(LEASE))
    leases._duration = "50"
    for number in range(7):
        run(leases.add(("live:ann", f"killed process:{number}")))
    eventually(lambda: run(leases.add(("live:ann", "another process:1"))))
    eventually(lambda: run(leases.renew([LEASE])) and server.zcard("live:ann") == 1)

    assert server.zscore(*LEASE)


def test_an_archived_point_that_a_save_brings_back_is_published(server, leases, received):
    moment = datetime(2026, 11, 20, tzinfo=UTC)
    row = ArchivedPoint(
        user_id="ann",
        video_id="v1",
        position=10.0,
        duration=100.0,
        percent=95.0,
        watched=True,
        watched_at=moment,
        completed=False,
        completed_at=None,
        updated_at=moment - timedelta(days=1),
    )
    run(leases.add(LEASE))
    resume_store(server).merge(row, NOW)

    assert arrive(received, 1) == [("live:ann", "v1")]
