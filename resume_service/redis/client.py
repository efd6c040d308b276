"""A client of one Redis server, its waits bounded."""

from __future__ import annotations

from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry

MAX_CONNECTIONS = 1000
"""A process never opens more to one server; far above the number of its threads."""


def new_client(url: str, timeout: float, *, retries: int = 1) -> redis.Redis:
    """A client of the Redis at `url`; it connects on first use. `timeout` in seconds.

    One retry, and only of a lost connection (every command of ours can be repeated): after a
    restart the pool is full of dead ones. A time-out is not retried, so that the caller has its
    answer well within a second.
    """
    return redis.Redis.from_url(
        url,
        decode_responses=True,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        retry=Retry(NoBackoff(), retries, supported_errors=(redis.ConnectionError,)),
        max_connections=MAX_CONNECTIONS,
        protocol=2,  # no handshake: the first command is the first round trip
        driver_info=None,
        maint_notifications_config=MaintNotificationsConfig(enabled=False),
    )


def execute(client: redis.Redis, *command: str | float) -> Any:
    """What the server of `client` answers to one command."""
    return client.execute_command(*command)  # type: ignore[no-untyped-call]
