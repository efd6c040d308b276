"""Asks a server whether it has sharded channels, as Redis 7 and Valkey have."""

from __future__ import annotations

from typing import Any

import redis
import structlog

_log = structlog.get_logger(__name__)


def has_sharded_channels(connection: Any) -> bool:
    """Whether the server knows SSUBSCRIBE. Raises redis.RedisError if it does not say so clearly.

    A wrong guess would be worse than an error: the script would publish where no stream listens.
    """
    try:
        connection.send_command("COMMAND", "INFO", "SSUBSCRIBE", check_health=False)
        reply = connection.read_response()
    except redis.ResponseError as fault:  # for example NOPERM
        _log.warning("redis refused", operation="COMMAND INFO", fault=str(fault))
        raise
    except MemoryError as fault:  # a garbled reply names a huge length
        raise redis.InvalidResponse("The reply to COMMAND INFO is too long") from fault
    match reply:
        case [None]:
            return False
        case [[str(name), *_]] if name.lower() == "ssubscribe":
            return True
    raise redis.InvalidResponse("The reply to COMMAND INFO is garbled")
