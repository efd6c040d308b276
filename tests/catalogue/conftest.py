"""A Postgres that a test may break."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from dev.postgres_server import PostgresServer
from resume_service.postgres import migrate


@pytest.fixture
def migrated_copy(postgres_servers: Callable[[], PostgresServer]) -> Iterator[PostgresServer]:
    """A running Postgres of the test's own, with empty tables."""
    server = postgres_servers()
    server.start()
    migrate.upgrade(server.url)
    yield server
    if server.is_running():
        server.kill()
