"""Reads replies, and checks that they belong to their commands. This module has no I/O.

A reply does not name its command. So one extra reply would shift all later replies to other
callers. A duplicated reply and a late reply are such extra replies. These checks find them:

- The connection has no unread bytes before it sends.
- Each round trip ends with the command ECHO and a tag. The last reply must be this tag.
- No bytes remain after the last reply.

If a check fails, the connection must be closed, and no reply of the round trip may be used.
"""

from __future__ import annotations

import itertools
import secrets
from typing import Any

import hiredis
import redis
import structlog
from redis._parsers.base import BaseParser

from resume_service.telemetry import metrics

INCOMPLETE = object()
"""`gets` of a reader returns this object if it has no complete reply."""
_ECHO = b"*2\r\n$4\r\nECHO\r\n$16\r\n%b\r\n"
"""The packed command ECHO with a tag of 16 characters."""

_log = structlog.get_logger(__name__)


class StrayReply(redis.ConnectionError):
    """The connection had a reply that belongs to none of its commands. All replies are in doubt."""


def new_reader() -> hiredis.Reader:
    """Return a reader of the replies on one connection. An error reply is not raised.

    Text that is no valid UTF-8 raises no error, so the other replies of its round trip stay usable.
    A garbled reply raises redis.InvalidResponse, or MemoryError if it names a huge length.
    """
    return hiredis.Reader(
        protocolError=redis.InvalidResponse,
        replyError=BaseParser.parse_error,
        encoding="utf-8",
        errors="replace",
        notEnoughData=INCOMPLETE,
    )


class Tags:
    """The tags of one connection. Each round trip has another tag."""

    def __init__(self) -> None:
        self._prefix = secrets.token_hex(4)
        self._numbers = itertools.count()

    def next(self) -> str:
        """Return the tag of the next round trip."""
        return f"{self._prefix}{next(self._numbers):08x}"

    @staticmethod
    def command(tag: str) -> bytes:
        """Return the packed command to which Redis replies with `tag`."""
        return _ECHO % tag.encode()


def check_tag(last: Any, tag: str) -> None:
    """Check that `last`, the last reply of a round trip, is the tag of this round trip.

    Raises StrayReply if it is another reply. Raises redis.ConnectionError if it is an error: Redis
    refuses all commands while it loads its data.
    """
    if last == tag:
        return
    if isinstance(last, redis.RedisError):
        raise redis.ConnectionError(str(last))
    raise stray_reply("among the replies")


def stray_reply(place: str) -> StrayReply:
    """Record a stray reply in the log and the metrics. Return the exception.

    `place` is "before the commands", "among the replies" or "after the replies".
    """
    metrics.stray_replies.inc()
    _log.error("stray redis reply", place=place)
    return StrayReply("Redis sent a reply that belongs to no command")
