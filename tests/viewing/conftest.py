"""The application with a clock set by hand, and a viewer with a series in the catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from flask.testing import FlaskClient

from resume_service.archive.cycle import ArchiveCycle
from tests.support.archive_stores import settings_of
from tests.support.catalogue_rows import close_postgres_connections
from tests.support.fixtures.companies import Company
from tests.support.long_timeouts import app_without_openapi
from tests.support.viewing_client import Clock, ViewingClient, Worker


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime.now(UTC).replace(microsecond=0))


@pytest.fixture
def http(client_with: Any, clock: Clock) -> Iterator[FlaskClient]:
    client = client_with(partial(app_without_openapi, clock=clock))
    yield client
    close_postgres_connections(client.application)


@pytest.fixture
def worker(real_redis: Any, emptied_database: str, clock: Clock) -> Worker:
    cycle = ArchiveCycle.of(settings_of(real_redis, emptied_database), clock)
    cycle.backlog.set_restored(done=True)
    return Worker(cycle, real_redis, clock)


@pytest.fixture
def viewer(http: FlaskClient, sql: Any, worker: Worker, acme: Company) -> ViewingClient:
    """A guest of the company acme."""
    return ViewingClient(http, sql, worker, acme)
