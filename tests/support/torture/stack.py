"""Redis, the proxy and the service, all on loopback."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dev.redis_server import RedisServer
from dev.service import Service, free_port
from tests.support.fixtures.servers import running_service
from tests.support.torture.proxy_process import RedisProxy


@dataclass(frozen=True, slots=True)
class TortureStack:
    """The service with one worker as in production, behind the proxy."""

    redis: RedisServer
    proxy: RedisProxy
    service: Service


@contextlib.contextmanager
def torture_stack(folder: Path, **env: str) -> Iterator[TortureStack]:
    """Start all three with their files in `folder`. `env` is for the service."""
    with contextlib.ExitStack() as at_end:
        redis = RedisServer(folder / "redis", port=free_port(), save="")
        redis.start()
        at_end.callback(redis.kill)
        proxy = RedisProxy(redis.port)
        at_end.callback(proxy.stop)
        variables = {"WEB_CONCURRENCY": "1"} | env
        log = folder / "service.log"
        service = at_end.enter_context(running_service(log, proxy.url, **variables))
        yield TortureStack(redis, proxy, service)


@contextlib.contextmanager
def temporary_stack(**env: str) -> Iterator[TortureStack]:
    """Start all three in a temporary folder, for a measurement without pytest."""
    with (
        tempfile.TemporaryDirectory(prefix="resume-torture-") as folder,
        torture_stack(Path(folder), **env) as stack,
    ):
        yield stack
