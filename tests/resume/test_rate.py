"""`/videos/{id}/progress`: progress as a rate."""

from __future__ import annotations

import pytest

from tests.support.three_apis import Speaker

AT_NOON = "2026-11-20T12:00:00.000Z"
NOT_RATES = [150, -1, 101, 85.5, "85", "", None, True, False, [], {}, 1e9, float("1e308")]


def test_a_rate_is_saved_and_read_back(speaker):
    saved = speaker.rate(85)

    expected = {
        "video_id": 1,
        "progress_rate": 85,
        "is_completed": False,
        "last_watched_at": AT_NOON,
    }
    assert saved.status_code == 200
    assert saved.get_json() == speaker.rated() == expected
    assert saved.headers["Cache-Control"] == "no-store"


def test_with_no_record_the_rate_is_0_and_the_video_never_watched(speaker):
    assert speaker.rated(7) == {
        "video_id": 7,
        "progress_rate": 0,
        "is_completed": False,
        "last_watched_at": None,
    }


@pytest.mark.parametrize("rate", [0, 1, 99, 100, 85.0])
def test_completed_is_a_rate_of_100_and_nothing_below(speaker, rate):
    answer = speaker.rate(rate).get_json()

    assert (answer["progress_rate"], answer["is_completed"]) == (rate, rate == 100)


def test_completed_is_set_anew_by_every_save_and_the_time_is_the_servers(speaker, clock):
    told = []
    for rate in (100, 40, 100):
        clock.forward(seconds=1)
        told.append(speaker.rate(rate).get_json())

    assert [each["is_completed"] for each in told] == [True, False, True]
    assert [each["last_watched_at"] for each in told] == [
        f"2026-11-20T12:00:0{second}.000Z" for second in (1, 2, 3)
    ]


@pytest.mark.parametrize("rate", NOT_RATES, ids=repr)
def test_what_is_no_integer_from_0_to_100_is_422_and_saves_nothing(speaker, rate):
    answer = speaker.rate(rate)

    assert answer.status_code == 422
    assert answer.get_json()["error"] == "Validation failed"
    assert list(answer.get_json()["details"]) == ["progress_rate"]
    assert speaker.rated()["last_watched_at"] is None


def test_a_rate_that_is_absent_is_422(speaker):
    answer = speaker.post("/videos/1/progress", {"rate": 5})

    assert answer.status_code == 422
    assert "progress_rate" in answer.get_json()["details"]


@pytest.mark.parametrize("body", ["", "{", "[]", "5", "null", '{"progress_rate": NaN'])
def test_what_is_no_json_object_is_400(speaker, body):
    answer = speaker.post(
        "/videos/1/progress", None, json=None, data=body, content_type="application/json"
    )

    assert answer.status_code == 400


def test_a_beacon_may_save_as_plain_text_and_nothing_else_may(speaker):
    body = '{"progress_rate": 5, "unknown": 1}'
    statuses = [
        speaker.post(
            "/videos/1/progress", None, json=None, data=body, content_type=kind
        ).status_code
        for kind in ("text/plain", "text/html", "application/x-www-form-urlencoded")
    ]

    assert statuses == [200, 415, 415]


@pytest.mark.parametrize(
    "video", ["0", "-1", "x", "1.0", "01", "1x", "%31x", str(2**63), "9" * 30, "٣", "1e3", "+1"]
)
def test_an_id_that_is_no_positive_integer_up_to_2_63_is_404_for_both(speaker, video):
    assert speaker.get(f"/videos/{video}/progress").status_code == 404
    assert speaker.rate(5, video).status_code == 404
    assert speaker.rate(5, video).get_json() == {"error": "Video not found"}


def test_the_greatest_id_is_one(speaker):
    assert speaker.rate(5, 2**63 - 1).get_json()["video_id"] == 2**63 - 1


def test_token_comes_before_body_and_body_before_video(client, speaker):
    path = "/videos/x/progress"

    assert client.post(path, json={}).status_code == 401
    assert client.post("/videos/1/progress", data="{").status_code == 401
    assert speaker.post(path, {"progress_rate": 150}).status_code == 422
    assert speaker.post(path, {"progress_rate": 50}).status_code == 404


@pytest.mark.parametrize("word", ["lessons", "modules", "summary", "batch", "events"])
def test_a_word_of_the_url_space_can_have_no_points_here_as_it_can_have_none_there(client, word):
    reserved = Speaker(client, word)
    answers = [reserved.rate(5), reserved.get("/videos/1/progress"), reserved.play(5)]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert word in answers[0].get_json()["error"]
    body = {"clerkId": word, "tmdbId": "1", "currentTime": 5}
    assert reserved.post("/api/progress", body).status_code == 400
