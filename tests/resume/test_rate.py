"""`/videos/{id}/progress`: progress as a rate of 0 to 100."""

from __future__ import annotations

import pytest

from resume_service.ids import RESERVED_USER_IDS
from tests.support.three_apis import ApiClient

AT_NOON = "2026-11-20T12:00:00.000Z"
NOT_RATES = [150, -1, 101, 85.5, "85", "", None, True, False, [], {}, 1e9, float("1e308")]


def test_save_and_read_return_the_rate(api):
    saved = api.save_rate(85)

    expected = {
        "video_id": 1,
        "progress_rate": 85,
        "is_completed": False,
        "last_watched_at": AT_NOON,
    }
    assert saved.status_code == 200
    assert saved.get_json() == api.read_rate() == expected
    assert saved.headers["Cache-Control"] == "no-store"


def test_without_a_record_the_rate_is_0_and_the_time_null(api):
    assert api.read_rate(7) == {
        "video_id": 7,
        "progress_rate": 0,
        "is_completed": False,
        "last_watched_at": None,
    }


@pytest.mark.parametrize("rate", [0, 1, 99, 100, 85.0])
def test_completed_is_true_only_at_a_rate_of_100(api, rate):
    answer = api.save_rate(rate).get_json()

    assert (answer["progress_rate"], answer["is_completed"]) == (rate, rate == 100)


def test_each_save_sets_completed_and_the_servers_time(api, clock):
    answers = []
    for rate in (100, 40, 100):
        clock.forward(seconds=1)
        answers.append(api.save_rate(rate).get_json())

    assert [each["is_completed"] for each in answers] == [True, False, True]
    assert [each["last_watched_at"] for each in answers] == [
        f"2026-11-20T12:00:0{second}.000Z" for second in (1, 2, 3)
    ]


@pytest.mark.parametrize("rate", NOT_RATES, ids=repr)
def test_invalid_rate_is_422_and_not_saved(api, rate):
    answer = api.save_rate(rate)

    assert answer.status_code == 422
    assert answer.get_json()["error"] == "Validation failed"
    assert list(answer.get_json()["details"]) == ["progress_rate"]
    assert api.read_rate()["last_watched_at"] is None


def test_missing_rate_is_422(api):
    answer = api.post("/videos/1/progress", {"rate": 5})

    assert answer.status_code == 422
    assert "progress_rate" in answer.get_json()["details"]


@pytest.mark.parametrize("body", ["", "{", "[]", "5", "null", '{"progress_rate": NaN'])
def test_body_that_is_no_json_object_is_400(api, body):
    answer = api.post(
        "/videos/1/progress", None, json=None, data=body, content_type="application/json"
    )

    assert answer.status_code == 400


def test_plain_text_is_accepted_and_other_media_types_are_415(api):
    body = '{"progress_rate": 5, "unknown": 1}'
    statuses = [
        api.post("/videos/1/progress", None, json=None, data=body, content_type=kind).status_code
        for kind in ("text/plain", "text/html", "application/x-www-form-urlencoded")
    ]

    assert statuses == [200, 415, 415]


@pytest.mark.parametrize(
    "video", ["0", "-1", "x", "1.0", "01", "1x", "%31x", str(2**63), "9" * 30, "٣", "1e3", "+1"]
)
def test_invalid_video_id_is_404_for_read_and_save(api, video):
    assert api.get(f"/videos/{video}/progress").status_code == 404
    assert api.save_rate(5, video).status_code == 404
    assert api.save_rate(5, video).get_json() == {"error": "Video not found"}


def test_largest_video_id_is_accepted(api):
    assert api.save_rate(5, 2**63 - 1).get_json()["video_id"] == 2**63 - 1


def test_token_is_checked_before_body_and_body_before_video(client, api):
    path = "/videos/x/progress"

    assert client.post(path, json={}).status_code == 401
    assert client.post("/videos/1/progress", data="{").status_code == 401
    assert api.post(path, {"progress_rate": 150}).status_code == 422
    assert api.post(path, {"progress_rate": 50}).status_code == 404


@pytest.mark.parametrize("word", sorted(RESERVED_USER_IDS))
def test_reserved_word_as_user_is_refused_in_all_three_apis(client, word):
    reserved = ApiClient(client, word)
    answers = [reserved.save_rate(5), reserved.get("/videos/1/progress"), reserved.save_playback(5)]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert word in answers[0].get_json()["error"]
    body = {"clerkId": word, "tmdbId": "1", "currentTime": 5}
    assert reserved.post("/api/progress", body).status_code == 400
