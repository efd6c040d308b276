"""Real servers, an application over them, and callers with tokens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import redis
from flask.testing import FlaskClient

from resume_service import create_app
from resume_service.catalogue import change_listener, facts_cache
from resume_service.settings import Settings
from tests.support.load_clients import hang_up
from tests.support.tokens import SECRET

pytest_plugins = [
    "tests.support.fixtures.companies",
    "tests.support.fixtures.exclusive",
    "tests.support.fixtures.logs",
    "tests.support.fixtures.servers",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="run tests at their full length")


@pytest.fixture(autouse=True)
def connections_of_viewers() -> Iterator[None]:
    """Closed, also when the test failed: one left open would fail whichever test ran next."""
    yield
    hang_up()


@pytest.fixture
def effort(request: pytest.FixtureRequest) -> Any:
    """`effort(short, full)`: how often a test repeats, in `make test` and in `make soak`."""
    return lambda short, full: full if request.config.getoption("--soak") else short


@pytest.fixture
def no_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """What this process has heard of videos it goes on to trust, however late a busy machine is."""
    monkeypatch.setattr(change_listener, "CONNECT_TIMEOUT", 20)
    monkeypatch.setattr(change_listener, "QUERY_TIMEOUT", 20)
    monkeypatch.setattr(facts_cache, "TRUSTED_SECONDS", 20)


@pytest.fixture
def settings() -> Settings:
    return Settings(jwt_secret=SECRET)


@pytest.fixture
def client(settings: Settings, real_redis: redis.Redis) -> FlaskClient:
    """The application over a real Redis, without a server in front."""
    return create_app(settings, client=real_redis).test_client()
