"""`POST /api/progress`: what is no JSON object, of no media type of ours, or too large."""

from __future__ import annotations

import json

import pytest

LIMIT = 64 * 1024
GOOD = json.dumps({"clerkId": "ann", "tmdbId": "v1", "currentTime": 60})


def error_of(answer):
    """What `answer` says went wrong; fails unless that is all it says."""
    assert set(answer.get_json()) == {"error"}, answer.text
    return answer.get_json()["error"]


NO_JSON = {
    "empty": b"",
    "white space": b" \n",
    "half an object": GOOD[:-1].encode(),
    "two objects": (GOOD + GOOD).encode(),
    "a trailing comma": GOOD.replace("}", ",}").encode(),
    "single quotes": GOOD.replace('"', "'").encode(),
    "a comment": (GOOD + "// x").encode(),
    "a form": b"clerkId=ann&tmdbId=v1&currentTime=60",
    "latin-1": GOOD.replace("v1", "é").encode("latin-1"),
    "utf-16": GOOD.encode("utf-16"),
    "utf-32": GOOD.encode("utf-32"),
    "broken utf-8": GOOD.encode().replace(b"v1", b"\xf0\x9f\x8e"),
    "surrogates as utf-8": GOOD.encode().replace(b"v1", b"\xed\xa0\x80"),
    "overlong utf-8": GOOD.encode().replace(b"v1", b"\xc0\xaf"),
    "a raw control character": GOOD.encode().replace(b"v1", b"v\x01"),
    "a zero byte": GOOD.encode() + b"\0",
    "a bad escape": GOOD.replace("v1", "\\x41").encode(),
    "a leading zero": GOOD.replace("60", "060").encode(),
    "hexadecimal": GOOD.replace("60", "0x3c").encode(),
    "deep arrays": b"[" * 30_000 + b"]" * 30_000,
    "deep objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "deep and unclosed": b"[" * LIMIT,
    "deep inside": GOOD.replace("60", "[" * 30_000 + "]" * 30_000).encode(),
    "gzip": b"\x1f\x8b\x08\x00",
}


@pytest.mark.parametrize("sent", NO_JSON.values(), ids=NO_JSON.keys())
@pytest.mark.parametrize("kind", ["application/json", "text/plain"])
def test_what_is_not_json_is_a_400_that_says_so(player, sent, kind):
    answer = player.send(sent, kind)

    assert answer.status_code == 400
    assert error_of(answer).startswith("The body is not")
    assert player.read().status_code == 404


@pytest.mark.parametrize("sent", ["[]", "null", "true", "12", "NaN", '"text"', f"[{GOOD}]", '""'])
def test_json_that_is_no_object_is_a_400_that_says_so(player, sent):
    answer = player.send(sent)

    assert (answer.status_code, error_of(answer)) == (400, "The body is not a JSON object")


def test_a_byte_order_mark_makes_a_400_and_no_500(player):
    """RFC 8259, section 8.1: no sender may add one, a reader may refuse it."""
    assert player.send(b"\xef\xbb\xbf" + GOOD.encode()).status_code == 400


def test_of_two_equal_keys_the_last_counts(player):
    assert player.send(GOOD.replace("}", ', "currentTime": 61}')).status_code == 204
    assert player.point()["currentTime"] == 61


@pytest.mark.parametrize(
    "kind",
    [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON",
        "text/plain",
        "text/plain;charset=UTF-8",
        "TEXT/PLAIN",
    ],
)
def test_json_is_taken_under_the_media_types_that_players_send(player, kind):
    assert player.send(GOOD, kind).status_code == 204


@pytest.mark.parametrize(
    "kind",
    [
        None, "", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/html",
        "application/octet-stream", "application/xml", "application/json-seq", "json", "*/*", ";",
        "application/merge-patch+json", "text/plain, application/json", "application/jsonx",
    ],
)  # fmt: skip
def test_any_other_media_type_is_a_415(player, kind):
    answer = player.send(GOOD, kind)

    assert (answer.status_code, error_of(answer)) == (415, "Send the body as application/json")


@pytest.mark.parametrize("kind", ["application/json", "text/plain"])
def test_64_kib_are_taken_and_one_byte_more_is_a_413(player, kind):
    assert player.send(GOOD.ljust(LIMIT), kind).status_code == 204

    answer = player.send(GOOD.ljust(LIMIT + 1), kind)
    assert (answer.status_code, error_of(answer)) == (413, "Request Entity Too Large")


def test_a_large_unknown_field_counts_into_the_limit(player):
    answer = player.send(json.dumps(json.loads(GOOD) | {"note": "x" * LIMIT}))

    assert answer.status_code == 413


def test_a_body_on_a_route_that_reads_none_is_ignored(player):
    player.save()

    answer = player.http.delete(player.path("v1"), headers=player.headers, data=b"\xff{{")
    assert answer.status_code == 204
