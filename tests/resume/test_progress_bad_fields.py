"""`POST /api/progress`: an invalid field is a 400 that names the field."""

from __future__ import annotations

import functools
import json
import unicodedata

import pytest

from resume_service.ids import RESERVED_USER_IDS

SECONDS, MILLISECONDS = ("currentTime", "duration"), ("ageMs",)
IDS = ("clerkId", "tmdbId", "userId", "videoId")
NOT_NUMBERS = ["null", "true", "false", '"12"', '""', "[]", "[12]", "{}", '{"value": 12}']
INVALID_SPANS = [
    *NOT_NUMBERS, "NaN", "Infinity", "-Infinity", "1e400", "-1e400", "-0.1", "-1", "-1e-300",
    "100000000.1", "9007199254740993", "1" + 400 * "0", "-1" + 400 * "0", "1" + 4000 * "0",
    "1" + 5000 * "0", "-1" + 5000 * "0",
]  # fmt: skip
NOT_IDS = ["null", "true", "12", "1.5", "NaN", "[]", '["v1"]', "{}", '{"id": "v1"}', '""']


@functools.cache
def forbidden_in_ids():
    """All spaces and control characters of Unicode, the slash and the byte order mark."""
    found = ["/", "\ufeff"]
    for character in map(chr, range(0x110000)):
        kind = unicodedata.category(character)
        if kind == "Cc" or kind[0] == "Z" or character.isspace():
            found.append(character)
    return found


def body(**raw):
    """A valid save as JSON text. `raw` adds or replaces fields as JSON text; None removes one."""
    good = {"clerkId": '"ann"', "tmdbId": '"v1"', "currentTime": "60", "duration": "100"}
    members = (f'"{name}": {text}' for name, text in (good | raw).items() if text is not None)
    return f"{{{', '.join(members)}}}"


def with_id(name, text):
    """A valid save with the JSON text `text` as its id, under `name` only."""
    other = {"userId": "clerkId", "videoId": "tmdbId"}.get(name)
    return body(**({other: None} if other else {}), **{name: text})


def refused_fields(answer):
    """The fields that `answer` names as invalid; it must be a well-formed 400."""
    assert answer.status_code == 400, answer.text
    refusal = answer.get_json()
    assert (set(refusal), refusal["error"]) == ({"error", "details"}, "Validation failed")
    for faults in refusal["details"].values():
        assert faults
        assert all(isinstance(each, str) for each in faults)
    return set(refusal["details"])


@pytest.mark.parametrize("field", ["clerkId", "tmdbId", "currentTime"])
def test_missing_field_is_named(player, field):
    assert refused_fields(player.send(body(**{field: None}))) == {field}


def test_all_missing_fields_are_named_at_once(player):
    assert refused_fields(player.send("{}")) == {"clerkId", "tmdbId", "currentTime"}


def test_each_wrong_field_is_named_beside_a_missing_field(player):
    answer = player.send(body(tmdbId=None, currentTime="-1", duration="0", ageMs="0.5"))

    assert refused_fields(answer) == {"tmdbId", "currentTime", "duration", "ageMs"}


@pytest.mark.parametrize("field", [*SECONDS, *MILLISECONDS])
@pytest.mark.parametrize("value", INVALID_SPANS, ids=lambda text: text[:20] + f"-{len(text)}")
def test_invalid_time_span_is_refused(player, field, value):
    assert refused_fields(player.send(body(**{field: value}))) == {field}


@pytest.mark.parametrize("field", SECONDS)
@pytest.mark.parametrize("value", ["100000001", "1e9"])
def test_span_above_100_million_seconds_is_refused(player, field, value):
    assert refused_fields(player.send(body(**{field: value}))) == {field}


@pytest.mark.parametrize("value", ["2592000001", "1e10", "1e13"])
def test_event_older_than_a_point_can_become_is_refused(player, value):
    assert refused_fields(player.send(body(ageMs=value))) == {"ageMs"}
    assert player.send(body(ageMs="2592000000")).status_code == 204


@pytest.mark.parametrize("value", ["0", "0.0", "-0.0", "-0"])
def test_zero_duration_is_refused(player, value):
    assert refused_fields(player.send(body(duration=value))) == {"duration"}


@pytest.mark.parametrize("value", ["0.5", "1e-3", "99999999.5"])
def test_fractional_age_ms_is_refused(player, value):
    assert refused_fields(player.send(body(ageMs=value))) == {"ageMs"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(
            (field, text)
            for field in (*SECONDS, *MILLISECONDS)
            for text in ("100000000", "1e8", "5.0")
        ),
        *(("currentTime", text) for text in ("0", "-0.0", "0.1", "1e-300", "99999999.999")),
        *(("duration", text) for text in ("0.001", "5e-324")),
        *(("ageMs", text) for text in ("0", "-0.0", "12345")),
    ],
)
def test_limits_of_each_range_are_accepted(player, field, value):
    assert player.send(body(**{field: value})).status_code == 204
    assert player.read().status_code == 200


@pytest.mark.parametrize("field", IDS)
@pytest.mark.parametrize("value", NOT_IDS)
def test_id_that_is_no_string_or_empty_is_refused(player, field, value):
    assert refused_fields(player.send(with_id(field, value))) == {field}


@pytest.mark.parametrize("field", IDS)
@pytest.mark.parametrize("length", [129, 1000, 60_000])
def test_id_longer_than_128_characters_is_refused(player, field, length):
    assert refused_fields(player.send(with_id(field, json.dumps("x" * length)))) == {field}


@pytest.mark.parametrize("character", ["x", ":", "%", "é", "🎬", "\u0301"])
def test_id_length_is_limited_in_characters_not_bytes(player_of, character):
    long = player_of(character * 128)

    assert long.save(tmdbId=character * 128).status_code == 204
    assert long.save(tmdbId=character * 129).status_code == 400


@pytest.mark.parametrize("place", ["{0}", "a{0}", "{0}a", "a{0}b"])
@pytest.mark.parametrize("field", IDS)
def test_space_control_character_or_slash_in_an_id_is_refused(player, field, place):
    accepted = [
        f"U+{ord(character):04X}"
        for character in forbidden_in_ids()
        if refused_fields(player.send(with_id(field, json.dumps(place.format(character)))))
        != {field}
    ]

    assert accepted == []


@pytest.mark.parametrize("field", IDS)
@pytest.mark.parametrize("text", [r"\ud800", r"\udfff", r"a\udc00b", r"\ude00\ud83d"])
def test_lone_surrogate_in_an_id_is_refused(player, field, text):
    assert refused_fields(player.send(with_id(field, f'"{text}"'))) == {field}


@pytest.mark.parametrize("field", ["clerkId", "userId"])
@pytest.mark.parametrize("word", RESERVED_USER_IDS)
def test_reserved_word_as_user_is_refused_with_the_reason(player_of, field, word):
    answer = player_of(word).send(with_id(field, json.dumps(word)))

    assert refused_fields(answer) == {field}
    assert "URL space" in answer.get_json()["details"][field][0]


@pytest.mark.parametrize(("name", "neutral"), [("clerkId", "userId"), ("tmdbId", "videoId")])
def test_both_names_of_one_id_are_refused_even_if_equal(player, name, neutral):
    answer = player.send(body(**{neutral: {"userId": '"ann"', "videoId": '"v1"'}[neutral]}))

    assert refused_fields(answer) == {name}
    assert neutral in answer.get_json()["details"][name][0]


def test_unknown_fields_are_ignored(player):
    nested = "[" * 50 + "]" * 50
    answer = player.send(body(speed="1.5", clerkid="null", percent='"x"', watched="[]", x=nested))

    assert answer.status_code == 204
    assert player.point()["percent"] == 60


def test_refused_save_leaves_the_stored_point_unchanged(player):
    player.save()
    before = player.point()

    player.save(currentTime=-1)

    assert player.point() == before
