"""The fast readers of bodies have the results and the errors of the schemas that Flask uses."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from resume_service.errors import ServiceError
from resume_service.resume.schemas import fast_progress, playback, rate
from resume_service.resume.schemas.fast_progress import load_save
from resume_service.resume.schemas.playback import PositionSchema, load_position
from resume_service.resume.schemas.progress import SaveSchema
from resume_service.resume.schemas.rate import RateSchema, load_rate
from resume_service.web.bodies import load_body

ANY_SPEED = settings(deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
NAMES = ("clerkId", "userId", "tmdbId", "videoId", "currentTime", "duration", "ageMs")
NAMES += ("device",)
EDGES = (
    *(0, -0.0, 1, 1.5, 5.0, 1e-320, 99_999_999.5, 10**8, 10**8 + 1, 1e8 + 0.1, -1, 10**400),
    *(float("nan"), float("inf"), float("-inf"), True, False, None, "", "5", [], {}, {"a": 1}),
    *("ann", "lessons", "events", "batch", "a/b", "a b", "a:b", "%2f", "x" * 128, "x" * 129),
    *("\ud800", "\0", "é", "🎬", "\u2028", "\ufeff", "\x85", " ann", "ann\n"),
)
any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(EDGES),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
like_saves = st.dictionaries(
    st.sampled_from(NAMES) | st.text(max_size=3), st.sampled_from(EDGES) | any_json, max_size=8
)
ids = st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters="/"), min_size=1)
ids = ids.filter(lambda text: len(text) <= 128 and not any(letter.isspace() for letter in text))
ids = ids.filter(lambda text: text not in ("lessons", "modules", "summary", "batch", "events"))
seconds = st.floats(0, 1e8) | st.integers(0, 10**8)
devices = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=64)
typical_saves = st.one_of(
    st.fixed_dictionaries(
        {user: ids, video: ids, "currentTime": seconds},
        optional={
            "duration": seconds.filter(bool),
            "ageMs": st.integers(0, 10**8),
            "device": devices,
            "session": st.text() | st.integers() | st.lists(st.booleans()),
        },
    )
    for user in ("clerkId", "userId")
    for video in ("tmdbId", "videoId")
)
SAVE_SCHEMA = SaveSchema()
SAVE = '{"clerkId":"ann","tmdbId":"v","currentTime":1%s}'
TEXTS = (
    *(SAVE % ',"x":"\x01"', SAVE % ',"\x01":1', SAVE % ',"x":"\\x"', SAVE % ',"x":"\\ud800"'),
    *(SAVE % ',"x":1e999', SAVE % ',"x":NaN', SAVE % ',"x":-Infinity', SAVE % ',"x":01'),
    *(SAVE % ',"x":-', SAVE % ',"x":1.', SAVE % ',"x":[1,]', SAVE % ',"x":{1:2}', SAVE % ","),
    *(SAVE % ',"duration":1e999', SAVE % ',"duration":NaN', SAVE % ',"duration":' + "9" * 5000),
    *(SAVE % (',"x":' + "9" * 5000), SAVE % (',"x":' + "[" * 200 + "]" * 200)),
    *(SAVE % ',"currentTime":2', SAVE % ',"currentTime":"2"', SAVE % ',"clerkId":"bob"'),
    *(SAVE % ',"clerkId":1', SAVE % ',"\\u0063urrentTime":3', SAVE % ',"userId":null'),
    *(
        SAVE % ',"duration":null',
        SAVE % ',"ageMs":null',
        SAVE % ',"ageMs":5.0',
        SAVE % ',"ageMs":-0',
    ),
    *("\ufeff" + SAVE % "", SAVE % "" + "x", SAVE % "" + "\0", " \n\t\r" + SAVE % "" + " \n"),
    *(
        "\x0b" + SAVE % "",
        "\xa0" + SAVE % "",
        "",
        " ",
        "null",
        "[]",
        "{}",
        '"x"',
        "{",
        "1",
        "[" * 400,
    ),
    SAVE.replace("1%s", "100000000.00000001"),
    SAVE.replace("1%s", "1E+8"),
    SAVE.replace("1%s", "-0"),
    SAVE.replace("1%s", "0.1e-400"),
    SAVE.replace("1%s", "99999999999999999999"),
    SAVE.replace('"v"', '"v\\u0000"') % "",
    SAVE.replace('"v"', '"\\ud83c\\udfac"') % "",
    SAVE.replace('"v"', '"\\ud83c"') % "",
    SAVE.replace('"v"', '"v\\n"') % "",
    SAVE.replace('"v"', '"\ufeff"') % "",
)
"""JSON and text that resembles JSON, which lenient parsers read differently."""


def outcome(function, *args):
    """The result, or the response to the error. -0.0 differs from 0."""
    try:
        return repr(function(*args))
    except ServiceError as error:
        return error.status, error.message, getattr(error, "details", None)


def fields_of(body):
    """The fields of a save in the form of SaveSchema: numbers are floats."""
    fields = msgspec.structs.asdict(load_save(body))
    known = {name: value for name, value in fields.items() if value is not msgspec.UNSET}
    for name in ("currentTime", "duration"):
        if name in known:
            known[name] = float(known[name])
    return dict(sorted(known.items())) | {"ageMs": int(known["ageMs"])}


def by_schema(body):
    return dict(sorted(load_body(SAVE_SCHEMA, body, 400).items()))


def agree(body: bytes) -> None:
    assert outcome(fields_of, body) == outcome(by_schema, body)


@pytest.mark.soak
def test_save_has_the_fields_or_the_errors_of_the_schema(effort):
    @settings(ANY_SPEED, max_examples=effort(400, 100_000))
    @given(like_saves | any_json)
    @example({"clerkId": "ann", "tmdbId": "v", "currentTime": 1, "ageMs": 5.0})
    @example({"clerkId": "ann", "userId": "ann", "tmdbId": "v", "currentTime": 1})
    @example({"clerkId": None, "userId": "ann", "tmdbId": "v", "currentTime": 1})
    @example({"clerkId": "", "userId": "ann", "tmdbId": "v", "currentTime": 1})
    @example({"clerkId": "ann", "tmdbId": "v", "currentTime": True})
    @example({"clerkId": "ann", "tmdbId": "v", "currentTime": 1, "duration": None})
    def check(body):
        agree(json.dumps(body).encode())
        agree(json.dumps(body, ensure_ascii=False, indent=1).encode(errors="surrogatepass"))

    check()


@pytest.mark.parametrize("text", TEXTS)
def test_save_of_unusual_json_has_the_fields_or_the_errors_of_the_schema(text):
    agree(text.encode())


@pytest.mark.parametrize("raw", [b"\xff", b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80"])
def test_invalid_utf8_is_refused_in_every_part_of_a_body(raw):
    for template in (
        b'{"clerkId":"ann","tmdbId":"v","currentTime":1,"%s":1}',
        b'{"x":"%s"}',
        b"%s",
    ):
        body = template % raw
        assert outcome(load_save, body)[:2] == (400, "The body is not JSON")
        agree(body)


@pytest.mark.soak
def test_typical_saves_need_no_schema(effort, monkeypatch):
    @settings(ANY_SPEED, max_examples=effort(200, 50_000))
    @given(typical_saves)
    def check(body):
        expected = {"ageMs": 0} | {name: body[name] for name in NAMES if name in body}
        assert fields_of(json.dumps(body).encode()) == expected

    monkeypatch.setattr(fast_progress, "load_body", None)  # the reader of the schema
    check()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", EDGES, ids=repr)
def test_each_field_of_a_save_has_the_value_or_the_error_of_the_schema(name, value):
    body = {"clerkId": "ann", "tmdbId": "v1", "currentTime": 60, "duration": 90, "ageMs": 1}
    for other in {"userId": ("clerkId",), "videoId": ("tmdbId",)}.get(name, ()):
        del body[other]
    agree(json.dumps(body | {name: value}).encode())


RATES = [*EDGES, 50, 50.0, 100, 100.5, 101]


@pytest.mark.parametrize("value", RATES, ids=repr)
def test_rate_and_position_have_the_values_or_the_errors_of_their_schemas(value):
    def position_of(body):
        loaded = load_position(body)
        return int(loaded.position_seconds), int(loaded.duration_seconds)

    def position_by_schema(body):
        loaded = load_body(PositionSchema(), body, message=playback.INVALID)
        return loaded["position_seconds"], loaded["duration_seconds"]

    def rate_by_schema(body):
        return load_body(RateSchema(), body)["progress_rate"]

    for fields in (
        {"progress_rate": value, "more": 1},
        {"position_seconds": value, "duration_seconds": 9},
        {"position_seconds": 5, "duration_seconds": value},
        {"position_seconds": value},
        value,
    ):
        body = json.dumps(fields).encode()
        assert outcome(load_rate, body) == outcome(rate_by_schema, body)
        assert outcome(position_of, body) == outcome(position_by_schema, body)


def test_typical_rates_and_positions_need_no_schema(monkeypatch):
    for module in (rate, playback):
        monkeypatch.setattr(module, "load_body", None)  # the reader of the schema

    assert load_rate(b'{"progress_rate": 50.0}') == 50
    assert load_position(b'{"position_seconds": 5, "duration_seconds": 9}').duration_seconds == 9
