"""Creates clients of one Redis server, with timeouts."""

from __future__ import annotations

from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry

MAX_CONNECTIONS = 1000
"""Maximum connections of a process to one server. It is far above its number of threads."""


def new_client(url: str, timeout: float, *, retries: int = 1) -> redis.Redis:
    """Return a client of the Redis at `url`. It connects on first use. `timeout` is in seconds.

    `retries` applies only to a lost connection: after a restart all pooled connections are dead.
    Every command of ours can be repeated. A timeout is not retried, so the caller gets its answer
    well within a second.
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
    """Return the reply of the server to one command."""
    return client.execute_command(*command)  # type: ignore[no-untyped-call]
