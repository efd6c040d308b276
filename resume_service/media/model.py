"""What is asked of a video's bytes, and what comes of it, wherever they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from resume_service.media.byte_ranges import ByteRange

CHUNK = 64 * 1024
"""Bytes handled at a time: a stream takes a few of these, however long it is."""


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
    """An answer whose bytes are still to come. Who has it closes it."""

    status: int
    """200, 206 or 304."""
    headers: Mapping[str, str]
    parts: Iterator[Chunk]
    """Raises OriginFailed or OriginSilent when not all of them come."""
    close: Callable[[], None]
