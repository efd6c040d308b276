"""The fast readers of batches and marks have the results and the errors of the schemas."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from resume_service.errors import ServiceError
from resume_service.resume.schemas import batch, marks
from resume_service.resume.schemas.batch import BatchEvent, BatchSchema, load_batch, load_events
from resume_service.resume.schemas.marks import AgeSchema, load_mark_age
from resume_service.web.bodies import load_body
from tests.resume.test_fast_bodies import ANY_SPEED, EDGES, NAMES, any_json, typical_saves

EVENT_NAMES = (*NAMES, "type", "id")
TYPES = ("save", "delete", "watched", "unwatched", "dismissed", "undismissed", "rate", "x", 1)
like_events = st.dictionaries(
    st.sampled_from(EVENT_NAMES) | st.text(max_size=3),
    st.sampled_from((*EDGES, *TYPES)) | any_json,
    max_size=8,
)
typed_events = st.builds(
    lambda save, kind: save | {"type": kind}, typical_saves, st.sampled_from(TYPES)
)
like_batches = st.fixed_dictionaries(
    {"events": st.lists(like_events | typed_events | any_json, max_size=5)}
)
GOOD = {"clerkId": "ann", "tmdbId": "v1", "currentTime": 60}


def described(events):
    """The events and errors, so that two lists can be compared. Numbers of fast bodies are exact."""
    return [
        {
            name: float(value) if name in ("currentTime", "duration", "ageMs") else value
            for name, value in msgspec.structs.asdict(event).items()
            if value is not msgspec.UNSET
            and (name != "currentTime" or event.type == "save")
            and (name not in ("duration", "device") or event.type == "save")
        }
        if isinstance(event, BatchEvent)
        else (event.id, event.error.status, event.error.message, details_of(event.error))
        for event in events
    ]


def details_of(error):
    return getattr(error, "details", None)


def outcome(function, body):
    try:
        return described(function(body))
    except ServiceError as error:
        return error.status, error.message, details_of(error)


def by_schema(body):
    return load_events(load_body(BatchSchema(), body, 400)["events"])


def agree(value) -> None:
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent=1)):
        body = text.encode(errors="surrogatepass")
        assert outcome(load_batch, body) == outcome(by_schema, body)


@pytest.mark.soak
def test_events_have_the_fields_or_the_errors_of_the_schemas(effort):
    @settings(ANY_SPEED, max_examples=effort(300, 50_000))
    @given(like_batches | any_json)
    @example({"events": [GOOD, GOOD | {"type": "watched", "currentTime": "x"}, {}, None]})
    @example({"events": [GOOD | {"id": None}, GOOD | {"id": ""}, GOOD | {"type": None}]})
    @example({"events": [GOOD] * 101})
    @example({"events": []})
    def check(body):
        agree(body)

    check()


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("name", EVENT_NAMES)
def test_each_field_of_an_event_has_the_value_or_the_error_of_the_schema(name, kind):
    for value in EDGES:
        body = GOOD | {"duration": 90, "ageMs": 1, "type": kind, "id": "a"}
        for other in {"userId": ("clerkId",), "videoId": ("tmdbId",)}.get(name, ()):
            del body[other]
        agree({"events": [GOOD, body | {name: value}]})


@pytest.mark.soak
def test_valid_events_need_no_schema(effort, monkeypatch):
    @settings(ANY_SPEED, max_examples=effort(100, 10_000))
    @given(st.lists(typical_saves, min_size=1, max_size=3), st.sampled_from(TYPES[:6]))
    def check(saves, kind):
        body = json.dumps({"events": [save | {"type": kind} for save in saves]})
        assert all(isinstance(each, BatchEvent) for each in load_batch(body.encode()))

    monkeypatch.setattr(batch, "load_body", None)
    check()


@pytest.mark.parametrize("value", EDGES, ids=repr)
def test_age_of_a_mark_has_the_value_or_the_error_of_the_schema(value):
    def by_age_schema(body):
        return load_body(AgeSchema(), body, 400)["ageMs"]

    for fields in ({"ageMs": value, "more": 1}, {"more": value}, value):
        body = json.dumps(fields).encode()
        results = []
        for function in (load_mark_age, by_age_schema):
            try:
                results.append(float(function(body)))
            except ServiceError as error:
                results.append((error.status, error.message, details_of(error)))
        assert results[0] == results[1]


def test_mark_without_a_body_needs_no_schema(monkeypatch):
    monkeypatch.setattr(marks, "load_body", None)

    assert load_mark_age(b"") == 0
    assert load_mark_age(b'{"ageMs": 5.0}') == 5
