"""`/api/progress/{user}/{video}` and the query of the list: invalid ids and values are refused."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.support.tokens import bearer

NOT_IDS = [
    "%20",
    "a%20b",
    "%00",
    "%0A",
    "%0D%0A",
    "%7F",
    "%C2%85",
    "%C2%A0",
    "%E2%80%A8",
    "%EF%BB%BF",
    "x" * 129,
]


def details_of(answer):
    assert answer.status_code == 400, answer.text
    assert answer.get_json()["error"] == "Validation failed"
    return answer.get_json()["details"]


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize("video", NOT_IDS)
def test_invalid_video_id_in_the_path_is_400_and_named(player, method, video):
    answer = player.http.open(f"/api/progress/ann/{video}", method=method, headers=player.headers)

    assert set(details_of(answer)) == {"tmdbId"}


@pytest.mark.parametrize("path", ["/api/progress/{0}", "/api/progress/{0}/v1"])
@pytest.mark.parametrize("user", NOT_IDS)
def test_invalid_user_id_in_the_path_is_400_and_named(player, path, user):
    answer = player.http.get(path.format(user), headers=player.headers)

    assert set(details_of(answer)) == {"clerkId"}


@pytest.mark.parametrize(
    "path", ["ann/a%2Fb", "ann%2Fv1/x/y", "ann/", "/v1", "//", "ann/v1/", "ann/v1/x", ""]
)
def test_path_with_another_number_of_segments_is_404(player, path):
    answer = player.http.get(f"/api/progress/{path}", headers=player.headers)

    assert (answer.status_code, answer.get_json()) == (404, {"error": "Not Found"})


def test_invalid_utf_8_in_the_path_finds_no_point(player):
    answer = player.http.get("/api/progress/ann/%ff%fe", headers=player.headers)

    assert (answer.status_code, answer.get_json()) == (404, {"error": "Progress not found"})


@pytest.mark.parametrize(
    "limit",
    [
        "0", "101", "-1", "+5", "1.5", "1e1", "abc", "", " ", "5 ", " 5", "0x10", "٣", "²", "1_0", "NaN",
        "null", "true", "10,20", "0000000001999", "00000000010" + "9" * 30, "9" * 30, "9" * 5000,
        "0000000001" + "9" * 5000, "%00", "\x00", "🎬",
    ],
    ids=lambda text: f"{quote(text[:16])}-{len(text)}",
)  # fmt: skip
def test_limit_that_is_no_number_from_1_to_100_is_refused(player, limit):
    assert set(details_of(player.list(limit=limit))) == {"limit"}


@pytest.mark.parametrize("limit", ["1", "100", "007"])
def test_limit_from_1_to_100_is_accepted(player, limit):
    assert player.list(limit=limit).status_code == 200


@pytest.mark.parametrize(
    "cursor",
    [
        "", "-", "1", "1-", "-v1", "x-v1", "1.5-v1", "1e3-v1", "-1-v1", "٣-v1", "99999999999999-v1",
        "9" * 5000 + "-v1", "1-a b", "1-a/b", "1-\x00", "1-" + "x" * 129, "1:v1", "null", "\x00", "🎬",
    ],
    ids=lambda text: f"{quote(text[:16])}-{len(text)}",
)  # fmt: skip
def test_malformed_cursor_is_refused(player, cursor):
    assert set(details_of(player.list(cursor=cursor))) == {"cursor"}


@pytest.mark.parametrize(
    "cursor", ["0-v1", "9999999999999-v1", "0000000000000-x", "1--", "1-🎬", "1-a:b%"]
)
def test_well_formed_cursor_without_a_point_is_accepted(player, cursor):
    player.save()

    assert player.list(cursor=cursor).status_code == 200


@pytest.mark.parametrize(
    "status",
    [
        "",
        "WATCHED",
        "watched ",
        "in_progress",
        "IN_PROGRESS",
        "done",
        "watched,in-progress",
        "\x00",
    ],
)
def test_unknown_status_is_refused(player, status):
    assert set(details_of(player.list(status=status))) == {"status"}


def test_each_invalid_query_value_is_named(player):
    answer = player.list(limit="0", cursor="x", status="y")

    assert set(details_of(answer)) == {"limit", "cursor", "status"}


def test_unknown_query_parameters_are_ignored(player):
    assert player.list(page=2, Limit="x").status_code == 200


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize("word", ["batch", "events", "watched", "series", "move"])
def test_reserved_word_as_user_in_the_path_is_refused(player, method, word):
    path = f"/api/progress/{word}/v1"
    answer = player.http.open(path, method=method, headers=bearer(word))

    assert "URL space" in details_of(answer)["clerkId"][0]
