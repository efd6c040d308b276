"""What the open streams of a viewer receive, from each of the APIs."""

from __future__ import annotations

import itertools
import json

import pytest

from tests.support.eventually import eventually


def states(stream):
    """The name of each event with the video or its data, without the first event."""
    return [(event.name, event.data) for event in stream.events[1:]]


def test_a_stream_starts_with_the_first_20_points_of_the_list(ann, listen):
    for number in range(21):
        ann.save(f"v{number}", number, duration=5400, device="TV")
    stream = listen()
    page = ann.ask("GET", "/api/progress/ann?limit=20")

    assert [event.name for event in stream.events] == ["points"]
    assert stream.events[0].data == page.json


def test_a_save_reaches_all_devices_of_the_viewer_as_get_returns_it(ann, listen):
    streams = [listen() for _ in range(4)]
    ann.save("v1", 60, duration=5400, device="TV")
    eventually(lambda: all(len(stream.events) == 2 for stream in streams))
    point = {"tmdbId": "v1"} | ann.read("v1").json

    assert [states(stream) for stream in streams] == [[("point", point)]] * 4


def test_a_stream_gets_only_the_changes_of_its_own_user(ann, listen):
    streams = {user: listen(user) for user in ("ann", "bob", "ann:bob", "{ann}")}
    ann.save("v1", 60)
    eventually(lambda: len(streams["ann"].events) == 2)
    for user in ("bob", "ann:bob", "{ann}"):
        other = type(ann)(ann._connection.port, user)
        other.save("own", 1)
    eventually(lambda: all(len(stream.events) == 2 for stream in streams.values()))

    assert [stream.events[1].data["tmdbId"] for stream in streams.values()] == [
        "v1",
        "own",
        "own",
        "own",
    ]


CHANGES = {
    "a rate": ("POST", "/videos/7/progress", {"progress_rate": 40}),
    "a playback position": (
        "POST",
        "/api/v1/playback/movie/7",
        {"position_seconds": 5, "duration_seconds": 9},
    ),
    "a watched mark": ("PUT", "/api/progress/ann/7/watched", {}),
    "a dismissed mark": ("PUT", "/api/progress/ann/7/dismissed", {}),
    "a batch": (
        "POST",
        "/api/progress/batch",
        {"events": [{"clerkId": "ann", "tmdbId": "7", "currentTime": 700}]},
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_kind_of_change_is_an_event(ann, listen, change):
    ann.save("7", 10)
    stream = listen()
    method, path, body = CHANGES[change]
    assert ann.ask(method, path, json.dumps(body)).status in (200, 204)
    eventually(lambda: len(stream.events) == 2)

    assert states(stream) == [("point", {"tmdbId": "7"} | ann.read("7").json)]


def test_a_deleted_point_is_gone(ann, listen):
    ann.save("v:1", 10)
    stream = listen()
    ann.ask("DELETE", "/api/progress/ann/v:1")
    eventually(lambda: len(stream.events) == 2)

    assert states(stream) == [("gone", {"tmdbId": "v:1"})]


def test_a_save_that_changes_nothing_causes_no_event(ann, listen):
    ann.save("v1", 10)
    stream = listen()
    ann.save("v1", 5, ageMs=60_000)
    ann.delete("never-saved")
    ann.save("v2", 20)
    eventually(lambda: len(stream.events) == 2)

    assert stream.events[1].data["tmdbId"] == "v2"


def test_many_saves_of_a_video_become_few_events_and_the_last_is_the_newest(ann, listen):
    stream = listen()
    for position in range(100):
        ann.save("v1", position)
    eventually(lambda: states(stream) and states(stream)[-1][1]["currentTime"] == 99)

    at = [event.at for event in stream.named("point")]
    assert all(after - before > 0.9 for before, after in itertools.pairwise(at))


def test_a_change_of_many_videos_becomes_one_event_with_the_newest_points(ann, listen):
    stream = listen()
    events = [{"clerkId": "ann", "tmdbId": f"v{n}", "currentTime": n} for n in range(100)]
    ann.ask("POST", "/api/progress/batch", json.dumps({"events": events}))
    eventually(lambda: len(stream.named("points")) == 2)

    assert stream.events[-1].data == ann.ask("GET", "/api/progress/ann?limit=20").json
