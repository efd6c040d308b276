"""Error replies by which Redis refuses a command although the command is correct."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import redis
import structlog

from resume_service.errors import Unavailable
from resume_service.redis.circuit_breaker import count_failures

REFUSALS = (
    "OOM|MISCONF|READONLY|BUSY|LOADING|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|NOREPLICAS|NOPERM|DENIED"
)
"""Codes of error replies that Redis sends when it runs, but can't execute commands now."""
REFUSED_WRITES = ("OOM", "MISCONF", "NOREPLICAS", "NOPERM")
"""Codes of error replies of a primary that answers, but refuses writes."""
_match_code = re.compile(r"[A-Z]{2,}").match
# Redis replies to a save with this protocol error if the client has not sent the password.
_refusal = re.compile(rf"(^|-)({REFUSALS})\b|Protocol error: unauthenticated").search

_log = structlog.get_logger(__name__)


def raise_first_error(operation: str, replies: Sequence[Any]) -> None:
    """Raise the error of the first error reply in `replies`, if any. See `error_of`.

    Also raises an Unavailable in `replies`, which stands for a write on too few replicas.
    """
    for reply in replies:
        if isinstance(reply, redis.RedisError):
            raise error_of(operation, reply)
        if isinstance(reply, Unavailable):
            raise reply


def error_of(operation: str, fault: redis.RedisError) -> Exception:
    """Return Unavailable, caused by `fault`, if the code of the error reply is in REFUSALS.

    Otherwise return `fault` itself.
    """
    if not _is_refusal(fault):
        return fault
    count_failures((operation,))
    _log.warning("redis refused", operation=operation, fault=str(fault))
    refusal = Unavailable()
    refusal.__cause__ = fault
    return refusal


def is_refused_write(fault: BaseException | None) -> bool:
    """Return whether `fault` is the error of a primary that answers, but refuses writes."""
    if not isinstance(fault, redis.ResponseError):
        return False
    return (fault.status_code or str(fault)).startswith(REFUSED_WRITES)


def _is_refusal(fault: redis.RedisError) -> bool:
    """Return whether the code of the error is in REFUSALS, or whether the error has no code.

    An error without a code does not come from Redis: the reply is garbled. redis-py may have
    removed the code from the message: then it is in `status_code`. Before version 7, Redis adds
    words before the error of a script: `ERR Error running script: -OOM`.
    """
    message = f"{getattr(fault, 'status_code', None) or ''} {fault}".lstrip()
    return _refusal(message) is not None or _match_code(message) is None
