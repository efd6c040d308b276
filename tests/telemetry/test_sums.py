"""Sums in memory: after a flush, the metrics are the same as with writes at once."""

from __future__ import annotations

import random

import pytest
from prometheus_client import REGISTRY

from resume_service.telemetry import metrics
from resume_service.telemetry.metrics import LATENCY_BUCKETS


@pytest.fixture
def in_memory():
    """Sums in memory during the test."""
    metrics.sum_in_memory()
    yield
    metrics.write_at_once()


def samples():
    """Every sample of the service, by name and labels."""
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in REGISTRY.collect()
        for sample in family.samples
        if sample.name.startswith("resume_") and not sample.name.endswith("_created")
    }


def changes(since):
    """The samples that have changed, with the differences."""
    now = samples()
    differences = {key: value - since.get(key, 0) for key, value in now.items()}
    return {key: each for key, each in differences.items() if each}


def record(events):
    for seconds in events:
        metrics.observe_request("GET", f"/{round(seconds * 1e6) % 3}", 200, seconds)
        metrics.observe_redis("get", seconds)
        metrics.count_save(seconds > 0.01)
        metrics.count_refused("forbidden")


def events():
    chance = random.Random(603)
    edges = [bound + shift for bound in LATENCY_BUCKETS for shift in (-1e-9, 0, 1e-9)]
    return [0.0, 1e-7, 100.0, *edges, *(chance.expovariate(50) for _ in range(500))]


def test_flushed_sums_equal_the_metrics_of_writes_at_once(in_memory):
    before = samples()
    for part in (events()[:100], events()[100:], []):
        record(part)
        metrics.flush()
    summed = changes(before)
    metrics.write_at_once()
    before = samples()
    record(events())

    assert summed == pytest.approx(changes(before))
    assert len(summed) > 3 * len(LATENCY_BUCKETS)


def test_sums_are_not_visible_before_a_flush(in_memory):
    before = samples()

    record(events())
    assert changes(before) == {}
    metrics.flush()
    assert changes(before) != {}


def test_a_second_flush_adds_nothing(in_memory):
    record(events())
    metrics.flush()
    before = samples()

    metrics.flush()
    assert changes(before) == {}


def test_count_save_returns_whether_the_save_was_applied(in_memory):
    assert metrics.count_save(applied=True) is True
    assert metrics.count_save(applied=False) is False


def test_metrics_page_contains_the_sums(in_memory, client):
    client.get("/api/progress/ann/v1")

    text = client.get("/metrics").get_data(as_text=True)

    assert 'route="/api/progress/<clerkId>/<tmdbId>",status="401"' in text
