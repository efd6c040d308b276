"""`POST /api/progress`: bodies that are no JSON object, have a wrong media type, or are too large."""

from __future__ import annotations

import json

import pytest

LIMIT = 64 * 1024
GOOD = json.dumps({"clerkId": "ann", "tmdbId": "v1", "currentTime": 60})


def error_of(answer):
    """The error message of `answer`, which must be its only field."""
    assert set(answer.get_json()) == {"error"}, answer.text
    return answer.get_json()["error"]


NOT_JSON = {
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


@pytest.mark.parametrize("sent", NOT_JSON.values(), ids=NOT_JSON.keys())
@pytest.mark.parametrize("kind", ["application/json", "text/plain"])
def test_invalid_json_is_400_and_saves_nothing(player, sent, kind):
    answer = player.send(sent, kind)

    assert answer.status_code == 400
    assert error_of(answer).startswith("The body is not")
    assert player.read().status_code == 404


@pytest.mark.parametrize("sent", ["[]", "null", "true", "12", "NaN", '"text"', f"[{GOOD}]", '""'])
def test_json_that_is_no_object_is_400(player, sent):
    answer = player.send(sent)

    assert (answer.status_code, error_of(answer)) == (400, "The body is not a JSON object")


def test_byte_order_mark_is_400(player):
    """RFC 8259, section 8.1: a sender must not add it, a parser may refuse it."""
    assert player.send(b"\xef\xbb\xbf" + GOOD.encode()).status_code == 400


def test_last_of_two_equal_keys_counts(player):
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
def test_json_and_plain_text_are_accepted_media_types(player, kind):
    assert player.send(GOOD, kind).status_code == 204


@pytest.mark.parametrize(
    "kind",
    [
        None, "", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/html",
        "application/octet-stream", "application/xml", "application/json-seq", "json", "*/*", ";",
        "application/merge-patch+json", "text/plain, application/json", "application/jsonx",
    ],
)  # fmt: skip
def test_other_media_types_are_415(player, kind):
    answer = player.send(GOOD, kind)

    assert (answer.status_code, error_of(answer)) == (415, "Send the body as application/json")


@pytest.mark.parametrize("kind", ["application/json", "text/plain"])
def test_body_of_64_kib_is_accepted_and_one_byte_more_is_413(player, kind):
    assert player.send(GOOD.ljust(LIMIT), kind).status_code == 204

    answer = player.send(GOOD.ljust(LIMIT + 1), kind)
    assert (answer.status_code, error_of(answer)) == (413, "Request Entity Too Large")


def test_unknown_field_counts_into_the_size_limit(player):
    answer = player.send(json.dumps(json.loads(GOOD) | {"note": "x" * LIMIT}))

    assert answer.status_code == 413


def test_delete_ignores_a_body(player):
    player.save()

    answer = player.http.delete(player.path("v1"), headers=player.headers, data=b"\xff{{")
    assert answer.status_code == 204
