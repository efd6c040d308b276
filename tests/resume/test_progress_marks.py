"""The marks watched, unwatched, dismissed and undismissed of `/api/progress`."""

from __future__ import annotations

import json

import pytest

from tests.support.three_apis import ApiClient

NO_POINT = {"error": "Progress not found"}
DAYS_30_MS = 30 * 24 * 60 * 60 * 1000
MARKS = ("watched", "dismissed")
every_mark = pytest.mark.parametrize("mark", MARKS)


def put(player, mark, video="v1", body=None, **how):
    """The response to a mark. Without `body`, the request has no body and no Content-Type."""
    given = {} if body is None else {"json": body}
    return player.http.put(f"{player.path(video)}/{mark}", headers=player.headers, **(given | how))


def remove(player, mark, video="v1", query=""):
    return player.http.delete(f"{player.path(video)}/{mark}{query}", headers=player.headers)


def in_progress(player):
    return [point["tmdbId"] for point in player.list(status="in-progress").get_json()]


@every_mark
def test_mark_is_204_without_a_body(player, mark):
    player.save()

    for answer in (put(player, mark), remove(player, mark), put(player, mark, body={"ageMs": 5})):
        assert (answer.status_code, answer.data) == (204, b"")
        assert "Content-Type" not in answer.headers
        assert "Resume-Applied" not in answer.headers


@every_mark
@pytest.mark.parametrize(
    "how",
    [
        {"data": b""},
        {"data": b"", "content_type": "text/html"},
        {"data": b"", "content_type": "application/json"},
        {"json": {}},
        {"json": {"ageMs": 0, "unknown": [None]}},
    ],
    ids=repr,
)
def test_body_of_a_mark_may_be_empty(player, mark, how):
    assert put(player, mark, **how).status_code == 204


@every_mark
@pytest.mark.parametrize("age", [-1, 1.5, "5", None, True, DAYS_30_MS + 1, 10**15, 1e300])
def test_invalid_age_of_a_mark_is_400_and_named(player, mark, age):
    answer = put(player, mark, body={"ageMs": age})

    assert answer.status_code == 400
    assert set(answer.get_json()["details"]) == {"ageMs"}


@every_mark
@pytest.mark.parametrize(
    ("how", "status"),
    [
        ({"data": b"{", "content_type": "application/json"}, 400),
        ({"data": b"[]", "content_type": "application/json"}, 400),
        ({"data": b"\xff", "content_type": "application/json"}, 400),
        ({"data": b"{}", "content_type": "text/html"}, 415),
        ({"data": b"{}", "content_type": None}, 415),
        ({"data": b" " * 65_537, "content_type": "application/json"}, 413),
    ],
)
def test_unreadable_body_of_a_mark_is_refused(player, mark, how, status):
    assert put(player, mark, **how).status_code == status


@pytest.mark.parametrize("path", [*MARKS, None])
@pytest.mark.parametrize(
    "age",
    [
        *("-1", "1.5", "x", "", "+1", f"{DAYS_30_MS + 1}", "9" * 30, "1_0", " 5"),
        *("\u0663\u0660\u0660\u0660", "\uff19\uff19", "\u00b2", "0\u0663"),
    ],
)
@pytest.mark.parametrize("video", ["v1", "v%31"], ids=["fast-lane", "flask"])
def test_invalid_age_in_a_query_is_400_and_named(player, path, age, video):
    suffix = f"/{path}" if path else ""
    answer = player.http.delete(
        f"/api/progress/{player.user}/{video}{suffix}",
        query_string={"ageMs": age},
        headers=player.headers,
    )

    assert answer.status_code == 400
    assert set(answer.get_json()["details"]) == {"ageMs"}


def test_age_of_30_days_is_accepted_everywhere(player):
    player.save(tmdbId="v2", ageMs=DAYS_30_MS)
    put(player, "watched", body={"ageMs": DAYS_30_MS})

    assert player.save(ageMs=DAYS_30_MS).status_code == 204
    assert put(player, "watched", body={"ageMs": DAYS_30_MS}).status_code == 204
    assert remove(player, "watched", query=f"?ageMs={DAYS_30_MS}").status_code == 204
    assert player.save(ageMs=DAYS_30_MS + 1).status_code == 400


def test_watched_mark_sets_watched_and_keeps_the_position(player, clock):
    player.save(currentTime=10, duration=100)
    clock.forward(minutes=1)
    put(player, "watched")

    assert player.point() == {
        "currentTime": 10,
        "updatedAt": "2026-11-20T12:00:00.000Z",
        "duration": 100,
        "percent": 10,
        "watched": True,
        "completed": False,
    }


def test_watched_mark_without_a_point_creates_one_that_is_not_in_progress(player):
    put(player, "watched", body={"ageMs": 1000})

    assert player.point() == {
        "currentTime": 0,
        "updatedAt": "2026-11-20T11:59:59.000Z",
        "watched": True,
    }
    assert in_progress(player) == []
    assert [each["tmdbId"] for each in player.list(status="watched").get_json()] == ["v1"]


def test_removed_watched_mark_clears_watched_and_keeps_the_position(player, clock):
    player.save(currentTime=95, duration=100)
    clock.forward(minutes=1)
    remove(player, "watched")

    assert player.point()["watched"] is False
    assert player.point()["currentTime"] == 95
    assert player.list(status="watched").get_json() == []


def test_later_save_at_90_percent_sets_watched_again(player, clock):
    player.save(currentTime=95, duration=100)
    clock.forward(minutes=1)
    remove(player, "watched")
    clock.forward(minutes=1)
    player.save(currentTime=90, duration=100)

    assert player.point()["watched"] is True


def test_late_save_at_90_percent_sets_watched_and_keeps_the_position(player, clock):
    player.save(currentTime=5, duration=100)
    late = player.save(currentTime=95, duration=100, ageMs=3_600_000)

    assert (late.status_code, late.headers["Resume-Applied"]) == (204, "false")
    assert player.point()["watched"] is True
    assert player.point()["currentTime"] == 5


def test_dismissed_video_is_not_in_progress_until_its_next_save(player, clock):
    player.save()
    seen = [in_progress(player)]
    clock.forward(seconds=1)
    put(player, "dismissed")
    seen.append(in_progress(player))
    clock.forward(seconds=1)
    player.save()
    seen.append(in_progress(player))

    assert seen == [["v1"], [], ["v1"]]


def test_removed_dismissal_puts_the_video_back(player, clock):
    player.save()
    clock.forward(seconds=1)
    put(player, "dismissed")
    clock.forward(seconds=1)
    remove(player, "dismissed")

    assert in_progress(player) == ["v1"]


def test_dismissed_video_is_still_listed_and_read(player, clock):
    player.save()
    before = player.point()
    clock.forward(seconds=1)
    put(player, "dismissed")

    assert player.point() == before
    assert [each["tmdbId"] for each in player.list().get_json()] == ["v1"]


def test_position_of_0_is_not_in_progress(player):
    player.save(currentTime=0)
    player.save(tmdbId="v2", currentTime=1)

    assert in_progress(player) == ["v2"]


@every_mark
def test_removed_mark_without_a_point_is_404_and_stored(player, mark, clock):
    answer = remove(player, mark)

    assert (answer.status_code, answer.get_json()) == (404, NO_POINT)
    assert player.read().status_code == 404
    assert player.list().get_json() == []
    # An earlier save arrives: the mark still counts.
    player.save(currentTime=95, duration=100, ageMs=1000)
    assert player.point()["watched"] is (mark == "dismissed")


def test_dismissal_without_a_point_is_204_and_counts_for_an_earlier_save(player):
    assert put(player, "dismissed").status_code == 204
    assert player.read().status_code == 404

    player.save(ageMs=1000)

    assert in_progress(player) == []


def test_deletion_of_a_missing_point_is_404_and_wins_over_an_earlier_save(player, clock):
    assert (player.delete().status_code, player.delete().get_json()) == (404, NO_POINT)

    late = player.save(ageMs=1)

    assert (late.status_code, late.headers["Resume-Applied"]) == (204, "false")
    assert player.read().status_code == 404


def test_deletion_with_an_age_keeps_a_later_save(player):
    player.save()
    answer = player.http.delete(f"{player.path('v1')}?ageMs=1000", headers=player.headers)

    assert answer.status_code == 204
    assert player.point()["currentTime"] == 60


def test_deletion_with_an_age_removes_an_earlier_save(player):
    player.save(ageMs=2000)
    answer = player.http.delete(f"{player.path('v1')}?ageMs=1000", headers=player.headers)

    assert answer.status_code == 204
    assert player.read().status_code == 404


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH"])
@every_mark
def test_other_methods_of_a_mark_are_405(player, mark, method):
    answer = player.http.open(f"{player.path('v1')}/{mark}", method=method, headers=player.headers)

    assert answer.status_code == 405
    assert {"PUT", "DELETE"} <= set(answer.headers["Allow"].split(", "))


@every_mark
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize(
    ("path", "field"), [("ann/a%20b", "tmdbId"), ("a%20b/v1", "clerkId"), ("events/v1", "clerkId")]
)
def test_invalid_id_in_the_path_of_a_mark_is_400_and_named(player, mark, method, path, field):
    answer = player.http.open(f"/api/progress/{path}/{mark}", method=method, headers=player.headers)

    assert answer.status_code == 400
    assert set(answer.get_json()["details"]) == {field}


@every_mark
@pytest.mark.parametrize("video", ["watched", "dismissed", "603", "a:b%"])
def test_any_video_id_can_be_marked(player, mark, video):
    assert put(player, mark, video).status_code == 204
    assert remove(player, mark, video).status_code in (204, 404)


@every_mark
def test_idempotency_key_of_a_mark_is_returned(player, mark):
    key = {"Idempotency-Key": "k1"}
    path, headers = f"{player.path('v1')}/{mark}", player.headers | key

    assert player.http.put(path, headers=headers).headers["Idempotency-Key"] == "k1"
    assert player.http.delete(path, headers=headers).headers["Idempotency-Key"] == "k1"


def test_device_is_that_of_the_save_that_decides_the_position(player, clock):
    player.save(device="Phone")
    clock.forward(seconds=1)
    player.save(device="Living room TV", ageMs=0)
    player.save(device="Tablet", ageMs=5000)

    assert player.point()["device"] == "Living room TV"
    clock.forward(seconds=1)
    player.save()
    assert "device" not in player.point()


@pytest.mark.parametrize("device", ["é" * 64, " ", "🎬", "a/b:%", "\u2028"])
def test_device_is_returned_as_it_was_sent(player, device):
    player.save(device=device)

    assert player.point()["device"] == device


@pytest.mark.parametrize("device", ["", "x" * 65, 5, None, [], "\ud800", "a\x00", "a\nb"])
def test_invalid_device_is_400_and_named(player, device):
    body = {"clerkId": "ann", "tmdbId": "v1", "currentTime": 60, "device": device}
    answer = player.send(json.dumps(body))

    assert answer.status_code == 400
    assert set(answer.get_json()["details"]) == {"device"}


def test_position_before_a_long_step_back_is_returned_until_a_save_passes_it(player, clock):
    seen = []
    for position in (2480, 0, 30, 2470, 2480):
        player.save(currentTime=position)
        point = player.point()
        seen.append((point.get("previousTime"), point.get("previousAt")))
        clock.forward(seconds=10)

    previous = (2480, "2026-11-20T12:00:00.000Z")
    assert seen == [(None, None), previous, previous, previous, (None, None)]


def test_step_back_of_60_seconds_has_no_previous_position(player, clock):
    for position in (100, 40):
        player.save(currentTime=position)
        clock.forward(seconds=10)

    assert "previousTime" not in player.point()


def test_watched_mark_is_shown_by_all_three_apis(client):
    api = ApiClient(client)
    client.put("/api/progress/ann/1/watched", headers=api.headers)
    marked = api.read_rate(), api.read_playback()
    client.delete("/api/progress/ann/1/watched?ageMs=0", headers=api.headers)

    assert marked == (
        {
            "video_id": 1,
            "progress_rate": 100,
            "is_completed": True,
            "last_watched_at": "2026-11-20T12:00:00.000Z",
        },
        {
            "position_seconds": 0,
            "duration_seconds": None,
            "completion_percentage": 0,
            "watched": True,
            "last_watched_at": "2026-11-20T12:00:00.000Z",
        },
    )
    assert api.read_rate()["progress_rate"] == 0
    assert api.read_rate()["is_completed"] is False
    assert api.read_playback()["watched"] is False
