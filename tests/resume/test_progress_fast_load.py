"""The fast parser of a save. It returns the result of the schema, or None for other bodies."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from marshmallow import ValidationError

from resume_service.resume.schemas.playback import PositionSchema, fast_load_position
from resume_service.resume.schemas.progress import SaveSchema, fast_load_save
from resume_service.resume.schemas.rate import RateSchema, fast_load_rate
from resume_service.web.bodies import decode_json

ANY_SPEED = settings(deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
NAMES = ("clerkId", "userId", "tmdbId", "videoId", "currentTime", "duration", "ageMs")
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
seconds = st.floats(0, 1e8) | st.integers(0, 10**8)
typical_saves = st.one_of(
    st.fixed_dictionaries(
        {user: ids, video: ids, "currentTime": seconds},
        optional={
            "duration": seconds.filter(bool),
            "ageMs": st.integers(0, 10**8),
            "session": any_json,
        },
    )
    for user in ("clerkId", "userId")
    for video in ("tmdbId", "videoId")
)


def by_schema(body, schema=SaveSchema):
    """The result of the schema; None for an invalid body."""
    try:
        return schema().load(body)
    except ValidationError:
        return None


@pytest.mark.soak
def test_fast_parser_agrees_with_the_schema_or_returns_none(effort):
    @settings(ANY_SPEED, max_examples=effort(400, 100_000))
    @given(like_saves | any_json)
    @example({"clerkId": "ann", "tmdbId": "v", "currentTime": 1, "ageMs": 5.0})
    @example({"clerkId": "ann", "userId": "ann", "tmdbId": "v", "currentTime": 1})
    @example({"clerkId": None, "userId": "ann", "tmdbId": "v", "currentTime": 1})
    @example({"clerkId": "ann", "tmdbId": "v", "currentTime": True})
    @example({"clerkId": "ann", "tmdbId": "v", "currentTime": 1, "duration": None})
    def check(body):
        fast = fast_load_save(body)

        assert fast is None or fast == by_schema(body)

    check()


@pytest.mark.soak
def test_fast_parser_reads_typical_saves(effort):
    @settings(ANY_SPEED, max_examples=effort(200, 50_000))
    @given(typical_saves)
    def check(body):
        body = decode_json(json.dumps(body).encode())
        fast = fast_load_save(body)

        known = [name for name in NAMES if name in body]
        reserved = ("lessons", "modules", "summary", "batch", "events")
        if body.get("clerkId", body.get("userId")) not in reserved:
            assert fast == {"ageMs": 0} | {name: body[name] for name in known} == by_schema(body)

    check()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", EDGES, ids=repr)
def test_fast_parser_agrees_with_the_schema_on_each_field(name, value):
    body = {"clerkId": "ann", "tmdbId": "v1", "currentTime": 60, "duration": 90, "ageMs": 1}
    for other in {"userId": ("clerkId",), "videoId": ("tmdbId",)}.get(name, ()):
        del body[other]
    body[name] = value

    assert fast_load_save(body) == by_schema(body)


@pytest.mark.parametrize("value", [*EDGES, 50, 50.0, 100, 100.5, 101], ids=repr)
def test_fast_parsers_of_rate_and_playback_agree_with_their_schemas(value):
    rate = {"progress_rate": value, "more": 1}
    positions = (
        {"position_seconds": value, "duration_seconds": 9},
        {"position_seconds": 5, "duration_seconds": value},
    )

    assert fast_load_rate(rate) == (by_schema(rate, RateSchema) or {}).get("progress_rate")
    for position in positions:
        assert fast_load_position(position) == by_schema(position, PositionSchema)
        for missing in position:
            assert fast_load_position({missing: 5}) is None
    assert fast_load_rate({}) is fast_load_rate([]) is fast_load_position([]) is None


def test_fast_parser_does_not_change_the_body():
    body = {"clerkId": "ann", "tmdbId": "v1", "currentTime": 60, "more": 1}
    fast_load_save(body)["ageMs"] = 5

    assert body == {"clerkId": "ann", "tmdbId": "v1", "currentTime": 60, "more": 1}
    assert fast_load_save(body)["ageMs"] == 0
