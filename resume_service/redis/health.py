"""Checks that the primaries answer and accept writes."""

from __future__ import annotations

import contextlib
import threading
from enum import StrEnum

import redis
from redis.exceptions import AskError, ClusterDownError, MovedError

from resume_service.errors import Unavailable
from resume_service.redis.call import Command
from resume_service.redis.operation import run
from resume_service.redis.refusals import is_refused_write
from resume_service.redis.router import RedisRouter
from resume_service.redis.servers import Servers

CHECK_KEYS = 20_000
"""Number of keys that a check tries, to find one that a node of a cluster has."""
CHECK_MS = 100
"""Milliseconds after which the key of a check expires."""


class RedisState(StrEnum):
    """The state of the Redis servers. At least one primary answers."""

    OK = "ok"
    DEGRADED = "degraded"
    """A primary does not answer, or refuses writes."""


def check_primaries(router: RedisRouter) -> RedisState:
    """Write a key on each primary, and return the state of the servers. Blocks.

    Raises Unavailable if no primary answers. A server that refuses a write because it is no
    primary (READONLY) counts as one that does not answer.
    """
    servers = router.servers
    try:
        clients = servers.nodes()
    except redis.RedisError as fault:
        raise Unavailable from fault
    states: list[RedisState | None] = [None] * len(clients)

    def check(index: int) -> None:
        states[index] = _check_primary(router, clients[index])

    # In parallel: frozen servers together take no longer than one of them.
    others = [threading.Thread(target=check, args=(index,)) for index in range(1, len(clients))]
    for other in others:
        other.start()
    check(0)
    for other in others:
        other.join()
    if None in states:
        servers.refresh()
    if not any(states):
        raise Unavailable
    return RedisState.OK if set(states) == {RedisState.OK} else RedisState.DEGRADED


def _check_primary(router: RedisRouter, client: redis.Redis) -> RedisState | None:
    """Write a key on one server. Return None if the server does not answer as a primary.

    Only the write is an operation, so that an event loop runs no step that blocks.
    """
    try:
        command: Command = ("SET", _key_on(router.servers, client), 1, "PX", CHECK_MS)
        run(router.send_to(client, "ping", command))
    except AskError as redirection:
        moved = redirection if isinstance(redirection, MovedError) else None
        router.servers.refresh(moved)
        return RedisState.DEGRADED
    except Unavailable as fault:
        return RedisState.DEGRADED if is_refused_write(fault.__cause__) else None
    except redis.RedisError:
        return None
    return RedisState.OK


def _key_on(servers: Servers, client: redis.Redis) -> str:
    """Return a key that `client` has. Raises redis.ClusterDownError if none is found."""
    for number in range(CHECK_KEYS):
        with contextlib.suppress(ClusterDownError):  # no server has the slot of this key
            if servers.node(f"ready:{number}") is client:
                return f"ready:{number}"
    raise ClusterDownError("no key of this node found")
