"""A player that speaks `/api/progress`, and the clock of the service it speaks to."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
import redis
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from resume_service import create_app
from resume_service.settings import Settings
from tests.support.three_apis import Speaker
from tests.support.tokens import bearer

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


class Clock:
    """The server's clock, moved by hand."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass
class Player:
    """Saves and reads as `user`; an argument that is None is left out of the body."""

    http: FlaskClient
    user: str = "ann"
    headers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.headers = self.headers or bearer(self.user)

    def save(self, **fields: Any) -> TestResponse:
        given = {"clerkId": self.user, "tmdbId": "v1", "currentTime": 60} | fields
        body = {name: value for name, value in given.items() if value is not None}
        return self.http.post("/api/progress", json=body, headers=self.headers)

    def send(self, body: bytes | str, kind: str | None = "application/json") -> TestResponse:
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
        return self.http.delete(self.path(video), headers=self.headers)

    def path(self, *video: str) -> str:
        return "/".join(["/api/progress", *(quote(part, safe="") for part in (self.user, *video))])


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(settings: Settings, real_redis: redis.Redis, clock: Clock) -> FlaskClient:
    """The application over a real Redis, its clock moved by hand."""
    return create_app(settings, client=real_redis, clock=clock).test_client()


@pytest.fixture
def player(client: FlaskClient) -> Player:
    return Player(client)


@pytest.fixture
def player_of(client: FlaskClient) -> Any:
    """`player_of(user)`: a player of that user, whatever characters the id holds."""
    return lambda user: Player(client, user)


@pytest.fixture
def speaker(client: FlaskClient) -> Speaker:
    """A viewer where there is no catalogue: every id is a video for everyone."""
    return Speaker(client)
