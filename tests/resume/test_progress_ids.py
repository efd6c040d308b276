"""Ids are opaque: every id is returned unchanged, and no two ids share a point."""

from __future__ import annotations

import json
from contextlib import closing
from http.client import HTTPConnection
from itertools import combinations

import pytest

from tests.support.tokens import bearer

STRANGE = [
    "a:b", ":", "::", "%", "%25", "%3A", "%3a", "%253A", "a%", "🎬", "👩‍👩‍👧", "é", "e\u0301", "日本語",
    "\u202eabc", ".", "..", "?", "#", "a+b", "a&b=c", "*", "[a-z]", "\\", '"', "'", "{}", "<x>", "~",
    "-", "None", "null", "0", "constructor", "lessons", "\U0010ffff", "\ufffd", "\u200b", "x" * 128,
    "🎬" * 128,
]  # fmt: skip

COLLIDING = [
    ("a:b", "c"), ("a", "b:c"), ("a%3Ab", "c"), ("a", "b%3Ac"), ("a%253Ab", "c"), ("a:", "b:c"),
    ("a", ":b:c"), ("a:b:", "c"), ("%", "3A"), ("%3A", "x"), (":", "x"), ("%3a", "x"), ("%25", "x"),
    ("A:B", "c"),
]  # fmt: skip
"""Pairs of user and video. Some would share a key if `:` or `%` were not escaped."""


@pytest.mark.parametrize("video", STRANGE)
def test_any_video_id_is_saved_read_listed_and_deleted(player, video):
    saved = player.save(tmdbId=video, currentTime=42)

    assert saved.status_code == 204
    assert player.point(video)["currentTime"] == 42
    assert [point["tmdbId"] for point in player.list().get_json()] == [video]
    assert player.delete(video).status_code == 204
    assert player.list().get_json() == []


@pytest.mark.parametrize("user", [each for each in STRANGE if each != "lessons"])
def test_any_user_id_has_its_own_points(player_of, player, user):
    strange = player_of(user)
    strange.save(currentTime=42)

    assert strange.point()["currentTime"] == 42
    assert len(strange.list().get_json()) == 1
    assert player.list().get_json() == []


def test_no_two_pairs_of_ids_share_a_point(player_of):
    for position, (user, video) in enumerate(COLLIDING):
        player_of(user).save(tmdbId=video, currentTime=position)

    positions = [player_of(user).point(video)["currentTime"] for user, video in COLLIDING]
    assert positions == list(range(len(COLLIDING)))


def test_no_two_pairs_of_ids_share_a_key(player_of, real_redis):
    for user, video in COLLIDING:
        player_of(user).save(tmdbId=video)

    assert len(list(real_redis.scan_iter("resume:*"))) == len(COLLIDING)
    assert len(list(real_redis.scan_iter("recent:*"))) == len({user for user, _ in COLLIDING})


def test_deleting_one_of_two_similar_pairs_leaves_the_other(player_of, clock):
    for (user, video), (other, another) in combinations(COLLIDING, 2):
        clock.forward(seconds=1)  # a deletion also cancels saves of the same time
        player_of(user).save(tmdbId=video)
        player_of(other).save(tmdbId=another)

        assert player_of(user).delete(video).status_code == 204
        assert player_of(other).read(another).status_code == 200


def test_path_may_percent_encode_any_character(player):
    player.save(tmdbId="v1")

    answer = player.http.get("/api/progress/%61%6E%6E/%76%31", headers=player.headers)

    assert answer.status_code == 200


def test_ids_are_case_sensitive(player):
    player.save(tmdbId="Film", currentTime=1)
    player.save(tmdbId="film", currentTime=2)

    assert [player.point(video)["currentTime"] for video in ("Film", "film")] == [1, 2]


@pytest.mark.parametrize("path", ["/ann/%ff", "/ann/%c0%80", "/%80/v1", "/ann%2Fv1", "/ann/%2F"])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_ambiguous_ids_in_the_path_reach_no_point(service, method, path):
    """Invalid UTF-8 would become U+FFFD. An encoded slash would split one id in two."""
    for video in ("\ufffd", "v1"):
        body = json.dumps({"clerkId": "ann", "tmdbId": video, "currentTime": 1})
        assert request(service, "POST", "", body)[0] == 204

    status, answer = request(service, method, path)

    assert status in (400, 404)  # 404 if the slash leads to no route
    assert "error" in json.loads(answer)
    assert request(service, "GET", "/ann/v1")[0] == 200
    assert request(service, "GET", "/ann/%EF%BF%BD")[0] == 200


def request(service, method, path, body=None):
    headers = bearer("ann") | ({"Content-Type": "application/json"} if body else {})
    with closing(HTTPConnection("127.0.0.1", service.port, timeout=20)) as connection:
        connection.request(method, f"/api/progress{path}", body, headers)
        response = connection.getresponse()
        return response.status, response.read()
