"""Which hashes are points, and the values of the points."""

from __future__ import annotations

import random
from datetime import datetime

import pytest

from resume_service.clock import iso
from resume_service.resume.hash_format import point_from
from resume_service.resume.model import ResumePoint

NOON = "2026-11-20T12:00:00.000Z"


def point_of(position="60", updated_at=NOON, duration=None, percent=None, watched=None):
    return point_from(
        "key", "ann", "v", [position, updated_at, duration, percent, watched, None, None, None]
    )


@pytest.mark.parametrize(
    ("stored", "canonical"),
    [
        (NOON, NOON),
        ("2026-11-20T12:00:00Z", NOON),
        ("2026-11-20 12:00:00.000Z", NOON),
        ("2026-11-20T12:00:00,000Z", NOON),
        ("2026-11-20T12:00:00.000999Z", NOON),
        ("2026-11-20T13:00:00.000+01:00", NOON),
        ("2026-11-20T12:00:00.000+00:00", NOON),
        ("20261120T120000.000Z", NOON),
        ("2026-W47-5T12:00:00.000Z", NOON),
        ("2026-11-20T12Z", NOON),
        ("0999-01-01T00:00:00.000Z", "0999-01-01T00:00:00.000Z"),
    ],
)
def test_every_time_with_a_zone_is_converted_to_one_format(stored, canonical):
    assert point_of(updated_at=stored).updated_at == canonical


@pytest.mark.parametrize(
    "stored",
    [
        *("", "soon", "2026-11-20", "2026-11-20T12:00:00.000", "2026-02-29T12:00:00.000Z"),
        *("2026-11-31T12:00:00.000Z", "2026-11-20T24:00:00.000Z", "2026-11-20T12:60:00.000Z"),
        *("2026-13-20T12:00:00.000Z", "0000-11-20T12:00:00.000Z", "2026-11-20T12:00:00.0x0Z"),
        *("٢026-11-20T12:00:00.000Z", "2026-11-20T12:00:00.00²Z", "2026-11-20T12:00:00.000z"),
        *("2026-11-20T12:00:00.000ZZ", NOON + " ", " " + NOON, "0001-01-01T00:00:00+23:59", None),
    ],
)
def test_other_times_are_no_point(stored):
    assert point_of(updated_at=stored) is None


def test_a_time_is_the_canonical_text_or_no_time_for_any_text_like_a_time():
    chance = random.Random(603)
    accepted = 0

    for _ in range(20_000):
        letters = list(NOON)
        for _ in range(chance.randrange(1, 4)):
            letters[chance.randrange(len(letters))] = chance.choice("0123456789TZ:.,-+ W\0zé٣")
        text = "".join(letters)
        point = point_of(updated_at=text)
        if point:
            accepted += 1
            assert point.updated_at == iso(datetime.fromisoformat(text))

    assert accepted > 1000


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("60", 60),
        ("60.0", 60),
        ("59.5", 59.5),
        ("-0.0", 0),
        ("1e3", 1000),
        (" 7 ", 7),
        ("1e-7", 1e-7),
    ],
)
def test_a_whole_number_is_an_integer(text, number):
    for point in (point_of(text), point_of(duration=text), point_of(percent=text)):
        values = {point.position, point.duration, point.percent} - {60, None}
        assert values <= {number}
        assert all(type(value) is type(number) for value in values)


@pytest.mark.parametrize("text", ["nan", "inf", "-Infinity", "1e999", "soon", "0x1", "1,5"])
def test_a_number_that_is_not_finite_is_no_point(text):
    for _ in range(2):  # an error is not cached
        assert point_of(text) is point_of(duration=text) is point_of(percent=text) is None


def test_unknown_values_are_none():
    known = ResumePoint("ann", "v", 60, NOON)

    assert point_of() == point_of(duration="", percent="", watched="") == known
    assert point_of(watched="0").watched is False
