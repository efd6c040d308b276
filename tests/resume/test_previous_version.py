"""The previous version and this version run side by side on one Redis, during an upgrade."""

from __future__ import annotations

import random

import pytest

from resume_service.clock import iso_ms
from resume_service.errors import NotFound
from resume_service.resume.model import EventType, Mark, Measurement
from tests.support.previous_version.store import PreviousStore
from tests.support.replay import NOW_MS
from tests.support.resume_stores import resume_store

T = NOW_MS - 1000
"""ms since 1970; events are measured a few ms after it."""


@pytest.fixture
def store(any_redis):
    return resume_store(any_redis, archive=True)


@pytest.fixture
def previous(any_redis):
    return PreviousStore(any_redis)


def saved(at_ms: int, position: float | None = None, duration: float | None = None, **more):
    return Measurement("ann", "v", NOW_MS, position, duration, age_ms=NOW_MS - at_ms, **more)


def marked(at_ms: int, kind: EventType) -> Mark:
    return Mark("ann", "v", NOW_MS, kind, NOW_MS - at_ms)


def test_point_of_the_previous_version_merges_with_late_and_new_events(store, previous):
    previous.save("v", T + 10, 95, 100)
    assert not store.save(saved(T + 5, 20, 100))
    assert (store.get("ann", "v").position, store.get("ann", "v").watched) == (95, True)

    assert store.save(saved(T + 20, 5, 100))
    assert store.get("ann", "v").watched is True
    store.mark(marked(T + 15, EventType.UNWATCHED))
    assert store.get("ann", "v").watched is False


def test_rate_without_a_duration_keeps_its_position(store, previous):
    previous.save("v", T, 60.5)
    previous.save("v", T + 1, rate=85)
    store.mark(marked(T + 2, EventType.DISMISSED))

    point = store.get("ann", "v")
    assert (point.position, point.percent, point.duration) == (60.5, 85, None)


def test_previous_version_reads_and_replaces_every_new_point(store, previous):
    store.save(saved(T, 95, 100, device="TV"))
    store.save(saved(T + 5, 20))
    assert previous.read("v") == ["20", iso_ms(T + 5), "100", "20.00", "1", "0"]
    store.mark(marked(T + 6, EventType.DISMISSED))
    assert previous.read("v") == ["20", iso_ms(T + 5), "100", "20.00", "1", "0"]

    assert previous.save("v", T + 7, 30, 200)
    point = store.get("ann", "v")
    assert (point.position, point.duration, point.percent, point.watched) == (30, 200, 15, True)
    assert not point.dismissed


def test_position_of_the_previous_version_replaces_a_new_rate(store, previous):
    store.save(saved(T, rate=85, catalogue_duration=100))
    previous.save("v", T + 5, 20, 100)
    store.mark(marked(T + 1, EventType.UNDISMISSED))

    point = store.get("ann", "v")
    assert (point.position, point.percent, point.updated_at) == (20, 20, iso_ms(T + 5))


def test_mark_of_a_missing_point_survives_a_save_of_the_previous_version(store, previous):
    store.mark(marked(T + 50, EventType.UNWATCHED))
    assert previous.read("v") == [None] * 6
    previous.save("v", T + 10, 5, 100)
    store.save(saved(T + 20, 95, 100))

    assert store.get("ann", "v").watched is False


def test_deletion_by_the_previous_version_removes_everything(store, previous):
    store.save(saved(T, 95, 100))
    store.mark(marked(T + 1, EventType.DISMISSED))
    previous.delete("v", T + 2)

    with pytest.raises(NotFound):
        store.get("ann", "v")
    store.save(saved(T + 3, 5, 100))
    assert store.get("ann", "v").watched is False


def test_in_any_mix_the_latest_save_decides_and_watched_stays(any_redis, store, previous):
    chance = random.Random(20261120)
    for _ in range(60):
        any_redis.flushall()
        latest, is_watched = (0, 0.0, 0.0), False
        for ms in chance.sample(range(100), 8):
            position, duration = chance.choice([5, 50, 95, 99]), chance.choice([100, 120])
            is_new = chance.random() < 0.5
            if is_new:
                applied = store.save(saved(T + ms, position, duration))
            else:
                applied = previous.save("v", T + ms, position, duration)
            assert applied is (T + ms > latest[0])
            latest = max(latest, (T + ms, position, duration))
            is_watched = is_watched or ((is_new or applied) and position / duration >= 0.9)
            point = store.get("ann", "v")
            assert (point.position, point.updated_at) == (latest[1], iso_ms(latest[0]))
            assert (point.duration, point.watched) == (latest[2], is_watched)
