"""Creates clients of one Redis server, with timeouts."""

from __future__ import annotations

from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry

MAX_CONNECTIONS = 1000
"""Maximum number of connections from a process to one server.

A process has far fewer threads, so it never reaches this number.
"""


def new_client(url: str, timeout: float, *, retries: int = 1) -> redis.Redis:
    """Return a client of the Redis at `url`. The client connects when it sends its first command.

    `timeout` is the maximum number of seconds to connect, and to wait for each reply. `retries` is
    the maximum number of retries after a lost connection, because a restart of Redis closes all
    pooled connections. None of our commands does harm if it runs twice. A timeout is not retried:
    the caller would wait too long.
    """
    return redis.Redis.from_url(
        url,
        redis_connect_func=_after_tls_handshake if url.startswith("rediss:") else None,
        decode_responses=True,
        encoding_errors="replace",  # another program's bytes must not fail the other replies
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        retry=Retry(NoBackoff(), retries, supported_errors=(redis.ConnectionError,)),
        max_connections=MAX_CONNECTIONS,
        protocol=2,  # RESP2 needs no handshake, so a new connection costs no extra round trip
        driver_info=None,
        maint_notifications_config=MaintNotificationsConfig(enabled=False),
    )


def _after_tls_handshake(connection: Any) -> None:
    """Prepare a new connection, and receive one reply.

    With TLS 1.3, Redis sends session tickets after the handshake. As long as the connection has not
    read them, the pool of redis-py takes them for a stray reply, and raises an error.
    """
    connection.on_connect()
    connection.send_command("ECHO", "", check_health=False)
    connection.read_response()


def execute(client: redis.Redis, *command: str | float) -> Any:
    """Send one command and return the reply of the server."""
    return client.execute_command(*command)  # type: ignore[no-untyped-call]
