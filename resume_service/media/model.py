"""A request for the bytes of a video, and the response from a file or an origin."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from resume_service.media.byte_ranges import ByteRange

CHUNK = 64 * 1024
"""Bytes of one chunk. A stream needs memory for a few chunks, however long it is."""


class ByteRequest(NamedTuple):
    """The part of a request that is about bytes."""

    body: bool = True
    """False for HEAD."""
    range: ByteRange | None = None
    if_range: str | None = None
    if_none_match: str | None = None


class Chunk(NamedTuple):
    data: bytes
    is_last: bool


@dataclass(frozen=True, slots=True)
class OpenMedia:
    """A response with an unread body. The caller must close it."""

    status: int
    """200, 206 or 304."""
    headers: Mapping[str, str]
    parts: Iterator[Chunk]
    """The body. Raises OriginFailed or OriginTimeout if it is incomplete."""
    close: Callable[[], None]
